using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Conformance.Harness;

namespace Conformance;

/// <summary>Each step of the launch fails once; and failures that the kernel gives itself.</summary>
[Collection("engine")]
public sealed partial class IsolationFaultTests
{
    private const int MostSteps = 1500;

    private const string Files = "{default: ro, paths: {/tmp: {access: tmpfs, size: 1M}, "
        + "'~': hide, .: rw, ./deny: deny, ./cow: cow, ./ro: ro, ./file: hide}}";

    /// <summary>One step of each part of a launch, by the words of its message.</summary>
    private static readonly string[] Steps =
    [
        "clone of the command", "prctl(PR_SET_PDEATHSIG) supervisor", "sethostname box",
        "socket for the loopback device", "unshare(CLONE_NEWTIME) of the command",
        "keyctl(KEYCTL_JOIN_SESSION_KEYRING) of the command", "fsopen of proc for /proc",
        "fsmount of tmpfs for /tmp", "fsopen of overlay for ", "move_mount to /proc",
        "mount_setattr of /", "openat2 /dev", "open_tree of ", "mkdirat pts", "mknodat null",
        "symlinkat ptmx", "move_mount of /", "fsconfig(upperdir) of overlay for ", "chdir to ", "rt_sigaction SIGHUP", "close_range descriptors",
        "prctl(PR_CAPBSET_DROP) of the capabilities of the command",
        "prctl(PR_CAP_AMBIENT_RAISE) of the capabilities of the command",
        "capset of the capabilities of the command", "seccomp(SECCOMP_SET_MODE_FILTER) filter",
        "rt_sigprocmask mask", "execve ", "capset of the init process",
        "execveat of the init process",
    ];

    /// <summary>Steps that come in a row of many alike, and how many of them are passed over.</summary>
    private static readonly (string Step, int Skipped)[] Alike =
        [("rt_sigaction SIGHUP", 58), ("prctl(PR_CAPBSET_DROP)", 60)];

    public static TheoryData<Way> Ways =>
        [.. Isolated.AllWays.Where(way => way != Way.KeptRoot)];

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Each_step_that_fails_is_named_and_leaves_nothing(Way way)
    {
        using var place = new Isolated(way);
        foreach (string name in new[] { "deny/f", "cow/f", "ro/f", "file", "home/f" })
        {
            place.Write(name, "host");
        }

        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        string policy = place.Policy(
            Files, [.. Isolated.AllNamespaces, "time"],
            ", keyring: on, hostname: box, time_offset: {monotonic: 1h}, "
                + "capabilities: [CAP_NET_BIND_SERVICE]");
        string[] before = State(place);
        var said = new List<string>();
        int passed = 0;

        // The shell, tried for a script, is a step that a run of a program does not come to.
        for (int step = 1; passed < 2 && step < MostSteps; step++)
        {
            Outcome run = place.RunWith(
                mark,
                ["-p", policy, "--commit", "--fail-launch-step", $"{step}:ENOSPC"],
                "echo", "ran");
            bool ran = run.Status == 0;
            passed = ran ? passed + 1 : 0;
            Assert.True(run.Out == (ran ? "ran\n" : string.Empty), $"step {step}: {run}");
            if (!ran)
            {
                Match message = Message().Match(run.Err);
                Assert.True(message.Success, $"step {step}: {run}");
                string what = message.Groups[1].Value;
                bool isProgram = what.StartsWith("execve ", StringComparison.Ordinal);
                Assert.True(run.Status == (isProgram ? 126 : 125), $"step {step}: {run}");
                (string Step, int Skipped) alike = Alike.FirstOrDefault(
                    row => what.StartsWith(row.Step, StringComparison.Ordinal));
                step += said.Contains(what) ? 0 : alike.Skipped;
                said.Add(what);
            }
        }

        Assert.Equal(2, passed);
        Assert.Empty(Survivors.Of(mark));
        Assert.Equal(before, State(place));
        string[] missing = [.. Steps.Where(
            step => !said.Any(what => what.StartsWith(step, StringComparison.Ordinal)))];
        Assert.True(missing.Length == 0, string.Join(", ", missing));
        Assert.Contains(
            way == Way.Rootless ? "write to /proc/self/uid_map"
                : "unshare(CLONE_NEWUSER) of the command", said);
    }

    [NamespacesFact]
    public void Steps_of_older_calls_that_fail_are_named_and_leave_nothing()
    {
        // Every eleventh of the many, and those of one view: a file, a directory, a file system.
        const int stride = 11;
        using var place = new Isolated(Way.Rootless);
        place.Write("cow/f", "host");
        place.Write("file", "host");
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        string policy = place.Policy(
            "{default: ro, paths: {/tmp: tmpfs, .: rw, ./cow: cow, ./file: hide, /proc: ro}}",
            landlock: true);
        string[] behind = [place.Guest("refuse"), "ENOSYS", "428", "437", "442", "--"];
        string[] before = State(place);
        var said = new HashSet<string>();
        bool ran = false;
        for (int step = 1; !ran && step < 2 * MostSteps; step += stride)
        {
            string[] line = place.Line(
                ["-p", policy, "--fail-launch-step", $"{step}:ENOSPC"], "echo", "ran");
            Outcome run = Shell.Run(
                place.Path, null, ["env", mark, .. Isolated.Behind(line, behind)]);
            ran = run.Status == 0;
            Assert.True(run.Out == (ran ? "ran\n" : string.Empty), $"step {step}: {run}");
            Match message = Message().Match(run.Err);
            Assert.True(ran || message.Success, $"step {step}: {run}");
            said.Add(message.Groups[1].Value.Split(' ')[0]);
        }

        Assert.True(ran && said.IsSupersetOf(["openat", "mount(MS_REMOUNT)", "close"]),
            string.Join(", ", said));
        Assert.Empty(Survivors.Of(mark));
        Assert.Equal(before, State(place));
    }

    /// <summary>What of the host a run could leave something in.</summary>
    private static string[] State(Isolated place) =>
    [
        .. File.ReadAllLines("/proc/self/mountinfo"),
        .. Directory.EnumerateFileSystemEntries(place.Path, "*", SearchOption.AllDirectories)
            .Order(),
        .. Directory.EnumerateDirectories("/sys/fs/cgroup").SelectMany(
            Directory.EnumerateDirectories)
            .Where(d => d.Contains("sandbox", StringComparison.Ordinal)).Order(),
    ];

    [GeneratedRegex(@"^sandbox: (.+): ENOSPC \(No space left on device\)[^\n]*\n\z")]
    private static partial Regex Message();
}
