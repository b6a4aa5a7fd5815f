using System;
using System.IO;
using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>What a run in namespaces of its own is like, files apart.</summary>
[Collection("programs")]
public sealed class IsolationRunTests
{
    private const string View = "{default: ro, paths: {/tmp: {access: tmpfs, size: 1M}, .: rw}}";

    private const string Terminals = """
        import os, pty, socket
        a, b = pty.openpty()
        os.write(a, b"typed\n")
        print(os.read(b, 99), os.ttyname(b))
        pid, fd = pty.fork()
        if pid == 0:
            os.execvp("tty", ["tty"])
        print(os.read(fd, 99), os.waitpid(pid, 0)[1])
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen()
        c = socket.create_connection(s.getsockname())
        six = socket.socket(socket.AF_INET6)
        six.bind(("::1", 0))
        print("loopback is up")
        """;

    public static TheoryData<Way> Ways => Isolated.Ways;

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Terminals_and_the_loopback_device_work(Way way)
    {
        using var place = new Isolated(way);
        Outcome run = place.Run(["-p", place.Policy(View)], "python3", "-c", Terminals);
        Assert.Equal(
            "b'typed\\n' /dev/pts/0\nb'/dev/pts/1\\r\\n' 0\nloopback is up\n", run.Out);
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void It_has_its_own_name_clocks_and_ids(Way way)
    {
        using var place = new Isolated(way);
        string policy = place.Policy(
            View, [.. Isolated.AllNamespaces, "time"],
            ", hostname: box.test, time_offset: {monotonic: 100000h, boottime: 200000h}");
        Outcome run = place.Run(
            ["-p", policy], "sh", "-c",
            "hostname; id -u; cut -d. -f1 /proc/uptime; cat /proc/self/timens_offsets; "
                + "grep -c . /proc/net/dev; echo $$");
        string[] lines = run.Out.Split('\n');
        Assert.True(lines.Length == 8, run.ToString());
        string user = Shell.Run("/", null, "id", "-u").Out.Trim();
        bool isNobody = way == Way.Root || (way == Way.Rootless && user == "0");
        Assert.Equal(("box.test", isNobody ? "65534" : user), (lines[0], lines[1]));
        Assert.InRange(long.Parse(lines[2]), 200000L * 3600, 400000L * 3600);
        Assert.Matches("^monotonic +360000000 +0$", lines[3]);
        Assert.Matches("^boottime +720000000 +0$", lines[4]);

        // Two lines of heads, and the loopback device.
        Assert.Equal(("3", "2"), (lines[5], lines[6]));
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void A_size_is_the_most_that_memory_takes(Way way)
    {
        using var place = new Isolated(way);
        Outcome run = place.Run(
            ["-p", place.Policy(View)], "sh", "-c",
            "head -c 1000000 /dev/zero >/tmp/fits; echo $?; head -c 100000 /dev/zero >/tmp/more; "
                + "echo $?; stat -c %a /tmp");
        Assert.Equal("0\n1\n1777\n", run.Out);
        Assert.Contains("No space left on device", run.Err, StringComparison.Ordinal);
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void The_init_process_takes_orphans_and_the_command_ends_the_run(Way way)
    {
        using var place = new Isolated(way);
        const string script = """
            sh -c 'sh -c "exit 7" & echo $! >orphan'
            i=0; while [ -d /proc/$(cat orphan) ] && [ $i -lt 500 ]; do sleep 0.01; i=$((i+1)); done
            [ -d /proc/$(cat orphan) ] && echo "it is still there"
            sleep 1000 & echo started; exit 5
            """;
        string policy = place.Policy(View);
        Outcome run = place.Run(["-p", policy], "sh", "-c", script);
        Assert.Equal(("started\n", 5), (run.Out, run.Status));

        // What is left runs on when it is waited for.
        Outcome waited = place.Run(
            ["-p", policy, "--wait"], "sh", "-c", "(sleep 0.3; echo late) & exit 6");
        Assert.Equal(("late\n", 6), (waited.Out, waited.Status));
    }

    [NamespacesTheory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 255", 255)]
    [InlineData("kill -TERM $$", 143)]
    [InlineData("kill -KILL $$", 137)]
    [InlineData("kill -SEGV $$", 139)]
    [InlineData("kill -HUP $$", 129)]
    [InlineData("exec nosuch-program", 127)]
    [InlineData("(sleep 0.1; kill -CONT $$) & kill -STOP $$; exit 9", 9)]
    public void It_ends_as_the_command_ends(string script, int status)
    {
        foreach (Way way in Isolated.AllWays)
        {
            using var place = new Isolated(way);
            Assert.Equal(
                status, place.Run(["-p", place.Policy(View)], "sh", "-c", script).Status);
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void What_the_view_does_not_show_cannot_be_run_or_gone_to(Way way)
    {
        using var place = new Isolated(way);
        place.Write("deep/in/file", "text");
        File.Copy("/bin/echo", place.File("deep/echo"));
        string unseen = "the file view of the policy (filesystem) does not show it";
        foreach ((string kind, string errno, int status) in new[]
        {
            ("hide", "ENOENT", 127), ("deny", "EACCES", 126), ("tmpfs", "ENOENT", 127),
        })
        {
            string policy = place.Policy($"{{default: ro, paths: {{./deep: {kind}}}}}");
            Outcome exec = place.Run(["-p", policy], place.File("deep/echo"), "ran");
            Assert.Equal((status, string.Empty), (exec.Status, exec.Out));
            Assert.Contains($"deep/echo: {errno}", exec.Err, StringComparison.Ordinal);
            Assert.Contains(unseen, exec.Err, StringComparison.Ordinal);
            Outcome cd = place.Run(["-p", policy, "--chdir", "deep/in"], "pwd");
            Assert.Equal((125, string.Empty), (cd.Status, cd.Out));
            Assert.Matches("deep/in: (ENOENT|EACCES)", cd.Err);
            Assert.Contains(unseen, cd.Err, StringComparison.Ordinal);
        }
    }

    [NamespacesFact]
    public void Options_lie_over_the_policy()
    {
        using var place = new Isolated(Way.Rootless);
        foreach (string directory in new[] { "a", "b", "c", "d" })
        {
            place.Write($"{directory}/f", "host");
        }

        string policy = place.Policy("{default: ro, paths: {./a: rw, ./d: hide}}");
        Outcome run = place.Run(
            ["-p", policy, "--ro", "a", "--rw", "b", "--cow", place.File("c"), "--ro", "./d/../d"],
            place.Guest("view"), "a", "b", "c");
        Assert.NotEqual(0, run.Status);
        run = place.Run(
            ["-p", policy, "--ro", "a", "--rw", "b", "--cow", place.File("c"), "--rw", "./d"],
            place.Guest("view"), "a", "b", "c", "d");
        const string writable = "list=yes read=host write=done make=done";
        Assert.Equal(
            $"a: list=yes read=host write=EROFS make=EROFS\nb: {writable}\nc: {writable}\n"
                + $"d: {writable}\n", run.Out);
        Assert.Equal(
            "host host+ host host+", string.Join(
                ' ', new[] { "a", "b", "c", "d" }.Select(d => File.ReadAllText(place.File($"{d}/f")))));
        run = place.Run(["-p", policy, "--hide", "b"], place.File("view"), "b");
        Assert.Equal("b: list=no read=ENOENT write=ENOENT make=EROFS\n", run.Out);
    }

    [NamespacesFact]
    public void The_option_net_leaves_the_host_its_network()
    {
        using var place = new Isolated(Way.Rootless);
        string policy = place.Policy(View);
        (string host, string guest) = (place.Guest("host"), place.Guest("outside"));
        foreach (bool given in new[] { false, true })
        {
            string[] line = place.Line(
                ["-p", policy, .. given ? ["--net"] : Array.Empty<string>()], guest);
            Outcome run = Shell.Run(place.Path, null, Isolated.Behind(line, host));
            Assert.Equal(
                given, run.Out.Contains("net tcp: reached\n", StringComparison.Ordinal));
            Assert.Contains("pid signal: ESRCH\n", run.Out, StringComparison.Ordinal);
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Interactive_shells_control_their_jobs(Way way)
    {
        using var place = new Isolated(way);

        // dash ends with 2 in any pid namespace: the group that had the terminal is outside.
        string[] line = place.Line(
            ["-p", place.Policy(View)], "bash", "--norc", "--noprofile", "-i");
        Assert.Equal("ended 3 0\n", TerminalTests.Drive(
            TerminalTests.Inner, string.Empty, ["env", "-C", place.Path, .. line]));
    }
}
