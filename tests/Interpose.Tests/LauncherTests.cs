using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.LibC;
using Interpose.Ptrace;
using static Interpose.Abi.Uapi;

namespace Interpose.Tests;

/// <summary>The launcher and the engine through the shared object, on the JIT.</summary>
[Collection("Waits")]
public sealed class LauncherTests
{
    private const ushort Mark = 77;

    /// <summary>Stops at the four calls that create tasks.</summary>
    private static readonly sock_filter[] Filter =
    [
        new() { code = BPF_LD | BPF_W | BPF_ABS },
        new() { code = BPF_JMP | BPF_JEQ, k = __NR_clone, jt = 4 },
        new() { code = BPF_JMP | BPF_JEQ, k = __NR_fork, jt = 3 },
        new() { code = BPF_JMP | BPF_JEQ, k = __NR_vfork, jt = 2 },
        new() { code = BPF_JMP | BPF_JEQ, k = __NR_clone3, jt = 1 },
        new() { code = BPF_RET, k = SECCOMP_RET_ALLOW },
        new() { code = BPF_RET, k = SECCOMP_RET_TRACE | Mark },
    ];

    [Fact]
    public void A_launched_program_is_traced_from_exec_to_exit()
    {
        var events = new Recorder();
        Assert.Null(Launch(events, "/bin/sh", "sh", "-c", "true; (exit 3) & wait $!; exit 7"));
        Assert.Equal(["exec", "asked", "made", "exit 3", "exit 7"], events.Seen);
    }

    [Fact]
    public void A_denied_call_returns_its_errno_and_makes_nothing()
    {
        var events = new Recorder { Deny = Errno.EPERM };
        Assert.Null(Launch(events, "/bin/dash", "dash", "-c", "(true) 2>/dev/null; exit 5"));
        Assert.Equal("asked", events.Seen[1]);
        Assert.DoesNotContain("made", events.Seen);
        Assert.Equal("exit 2", events.Seen[^1]);
    }

    [Fact]
    public void A_stop_whose_signal_another_thread_took_is_found()
    {
        bool done = false;
        var thief = new Thread(() =>
        {
            while (!Volatile.Read(ref done))
            {
                Waiting.Signal(TraceeWaiter.Bit(SIGCHLD), 10_000_000, out _);
            }
        });
        thief.Start();
        var events = new Recorder();
        Assert.Null(Launch(events, "/bin/sh", "sh", "-c", "sleep 0.01; sleep 0.01; sleep 0.01"));
        Volatile.Write(ref done, true);
        thief.Join();
        Assert.Equal(3, events.Seen.Count(e => e == "made"));
    }

    [Fact]
    public void A_program_that_does_not_start_names_step_object_and_errno()
    {
        LaunchFailure? failure = Launch(new Recorder(), "/no/such/program", "x");
        Assert.Equal(
            new LaunchFailure("execve", "/no/such/program", Errno.ENOENT, "", true), failure);
    }

    [Fact]
    public void A_directory_that_is_gone_fails_at_its_own_step()
    {
        LaunchFailure? failure = Launch(new Recorder(), "/bin/true", 9999, "true");
        Assert.Equal("fchdir", failure?.Step);
        Assert.Equal(Errno.EBADF, failure?.Errno);
    }

    [Fact]
    public void Commands_are_found_as_a_shell_finds_them()
    {
        byte[][] environment = [.. new[] { "A=1", "PATH=/no:/bin:/usr/bin" }.Select(Bytes)];
        Assert.Equal(Errno.None, CommandLookup.Find(Bytes("sh"), environment, AT_FDCWD, out byte[] path));
        Assert.Equal("/bin/sh", Encoding.ASCII.GetString(path));
        Assert.Equal(Errno.ENOENT, CommandLookup.Find(Bytes("no-such"), environment, AT_FDCWD, out _));
        Assert.Equal(Errno.EACCES, CommandLookup.Find(Bytes("/etc"), environment, AT_FDCWD, out _));
        Assert.Equal(Errno.ENOENT, CommandLookup.Find([], environment, AT_FDCWD, out _));
    }

    private static LaunchFailure? Launch(Recorder events, string path, params string[] arguments) =>
        Launch(events, path, null, arguments);

    private static LaunchFailure? Launch(
        Recorder events, string path, int? directory, params string[] arguments)
    {
        using var launch = new GuestLaunch(new LaunchSpec(
            Bytes(path), [.. arguments.Select(Bytes)], [Bytes("PATH=/bin:/usr/bin")], directory, [],
            true, Filter, []));
        var engine = new PtraceEngine(events, 0, Mark);
        Assert.Null(launch.Create(out HostTid child));
        Assert.Equal(Errno.None, engine.Attach(child));
        launch.LetGo();
        engine.Run(() => false);
        Assert.Equal(0, engine.Count);
        return launch.Failure;
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Lets every call run, or denies it, and writes down what it is told.</summary>
    private sealed class Recorder : IGuestEvents
    {
        public List<string> Seen { get; } = [];

        public Errno Deny { get; set; }

        public long Deadline => long.MaxValue;

        public CreationAnswer OnCreationAsked(in CreationCall call)
        {
            Seen.Add("asked");
            return new(Deny, call);
        }

        public void OnCallerLost(HostTid caller, HostTid standIn) => Seen.Add("lost");

        public NamespaceAnswer OnNamespacesAsked(in NamespaceCall call) => new(Deny, call.A0);

        public bool OnNamespacesDone(HostTid caller, Errno errno)
        {
            Seen.Add($"namespaces {errno}");
            return false;
        }

        public bool OnCreationRefused(HostTid caller, Errno errno)
        {
            Seen.Add($"refused {errno}");
            return false;
        }

        public bool OnCreationMade(HostTid caller, HostTid child)
        {
            Seen.Add("made");
            return true;
        }

        public void OnExec(HostTid tid, HostTid former) => Seen.Add("exec");

        public void OnExit(in TaskExit exit) => Seen.Add($"exit {exit.Status.ExitCode}");

        public void OnStopped(HostTid tid, int signal) => Seen.Add("stopped");

        public void OnContinued(HostTid tid) => Seen.Add("continued");

        public void OnStopLost(HostTid tid, string stop) => Seen.Add($"lost {stop}");

        public void OnSignal(in siginfo_t signal) => Seen.Add("signal");

        public void OnDeadline() => Seen.Add("deadline");
    }
}
