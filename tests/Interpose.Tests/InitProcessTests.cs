using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.LibC;
using Interpose.Ptrace;
using static Interpose.Abi.Uapi;

namespace Interpose.Tests;

/// <summary>A launch of two tasks in a pid namespace: the init process and a command.</summary>
[Collection("Waits")]
public sealed class InitProcessTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("init-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Pid_1_takes_orphans_and_ends_after_the_last()
    {
        // The orphan writes after the command, and its parent, have ended.
        const string script = "echo $$ >&3; (sleep 0.3; echo orphan $$ >&3) & exit 5";
        string output = Path.Combine(_directory, "output");
        using LaunchPlan plan = NewPlan(out Slot self, out nint link, out uint wait, out int fork);
        Slot file = plan.AddKeeping(
            "open", output, __NR_open, Text(plan, output), O_WRONLY | O_CREAT, 0x1a4);
        plan.Add("dup2", "output", __NR_dup2, file, 3);
        PlanShell(plan, script);
        HostTid first = Start(plan, fork, wait);
        int second = Number(link, (int)LaunchPlan.ResultOf(self));
        Assert.Contains($"PPid:\t{first}\n", Status(second), StringComparison.Ordinal);
        plan.LetGo();
        Assert.Equal(0, EndOf(first).ExitCode);

        Assert.Null(plan.Failure);
        Assert.Equal("2\norphan 2\n", File.ReadAllText(output));
    }

    [Fact]
    public void A_failed_step_of_the_second_task_is_told()
    {
        using LaunchPlan plan = NewPlan(out _, out _, out uint wait, out int fork);
        plan.Add("chdir to", "/nowhere", __NR_chdir, Text(plan, "/nowhere"));
        HostTid first = Start(plan, fork, wait);
        plan.LetGo();
        Assert.Equal(0, EndOf(first).ExitCode);

        Assert.Equal(("chdir to", "/nowhere", Errno.ENOENT), plan.Failure);
    }

    [Theory]
    [InlineData(__NR_fork, 0, SIGSYS)]
    [InlineData(__NR_clone, SIGCHLD, SIGSYS)]
    [InlineData(__NR_open, 0, SIGSYS)]
    [InlineData(__NR_prctl, PR_SET_DUMPABLE, SIGSYS)]
    [InlineData(__NR_prctl, PR_SET_NAME, 0)]
    [InlineData(__NR_wait4, -1, 0)]
    public void Its_filter_leaves_it_the_calls_that_it_makes(int number, int argument, int signal)
    {
        using var plan = new LaunchPlan();
        plan.AddFilter("the init process", InitProcess.Filter());
        plan.AddPassing(
            Errno.ECHILD, "call", "under the filter", number, argument, Text(plan, "x"));
        plan.Add("exit_group", "the end", __NR_exit_group, 7);
        Assert.Equal(Errno.None, plan.Start(out HostTid child));
        WaitStatus end = EndOf(child);
        Assert.Equal(signal, end.Exited ? 0 : end.TermSignal);
    }

    private static HostTid Start(LaunchPlan plan, int fork, uint wait)
    {
        plan.GoOnAfter(fork);
        Assert.Null(InitProcess.Prepare(out SealedProgram? init));
        using (init)
        {
            InitProcess.Plan(plan, init!);
            Assert.Equal(Errno.None, plan.Start(out HostTid first));
            Assert.True(plan.AwaitReached(wait, 5000), plan.Failure.ToString());
            return first;
        }
    }

    private static LaunchPlan NewPlan(
        out Slot self, out nint link, out uint wait, out int fork)
    {
        ulong user = Posix.GetEffectiveUser() == 0 ? 0 : CLONE_NEWUSER;
        var plan = new LaunchPlan { Namespaces = CLONE_NEWPID | user };
        plan.Add("prctl(PR_SET_PDEATHSIG)", "test", __NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
        fork = plan.AddFork("the command");
        link = plan.Allocate(32);
        self = plan.AddKeeping(
            "readlink", "/proc/self", __NR_readlink, Text(plan, "/proc/self"), link, 31);
        wait = plan.AddWait();
        return plan;
    }

    private static void PlanShell(LaunchPlan plan, string script)
    {
        nint shell = Text(plan, "/bin/sh");
        nint arguments = plan.Vector([shell, Text(plan, "-c"), Text(plan, script)]);
        nint path = Text(plan, "PATH=/usr/bin:/bin");
        plan.Add("execve", "/bin/sh", __NR_execve, shell, arguments, plan.Vector([path]));
    }

    private static nint Text(LaunchPlan plan, string text) =>
        plan.Text(Encoding.UTF8.GetBytes(text));

    private static unsafe int Number(nint link, int length) => int.Parse(
        new ReadOnlySpan<byte>((void*)link, length), CultureInfo.InvariantCulture);

    private static string Status(int pid) => File.ReadAllText($"/proc/{pid}/status");

    private static WaitStatus EndOf(HostTid child)
    {
        var time = Stopwatch.StartNew();
        int word;
        while (Waiting.Poll(child.Value, out word, out _) == 0)
        {
            Assert.True(time.Elapsed < TimeSpan.FromSeconds(20), "it goes on");
            Thread.Sleep(5);
        }

        return new(word);
    }
}
