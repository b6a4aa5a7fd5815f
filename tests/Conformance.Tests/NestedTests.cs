using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// Runs inside of what confines them already: filters that are older than the mount API, other
/// sandboxes, containers. <c>make test-nested</c> has all tests of isolation in such parents.
/// </summary>
[Collection("programs")]
public sealed class NestedTests
{
    private const string Reached = "reached";
    private const string View =
        "{default: ro, paths: {/tmp: tmpfs, '~': hide, .: rw, ./outer/hidden: hide, ./kept: ro}}";

    /// <summary>open_tree to fspick, openat2, mount_setattr and open_tree_attr.</summary>
    private static readonly string[] MountApi =
        ["428", "429", "430", "431", "432", "433", "437", "442", "467"];

    public static TheoryData<Way, string> WaysAndErrors
    {
        get
        {
            var data = new TheoryData<Way, string>();
            foreach (Way way in Isolated.AllWays)
            {
                data.Add(way, "ENOSYS");
                data.Add(way, "EPERM");
            }

            return data;
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(WaysAndErrors))]
    public void Without_the_mount_API_no_attack_gets_further(Way way, string errno)
    {
        using var place = new Isolated(way);
        string secret = place.Write("outer/hidden/secret", Isolated.Secret);
        string kept = place.Write("kept/file", "as it was\n");
        string[] policy = ["-p", place.Policy(View)];
        (string[] Attack, int Lines)[] attacks =
        [
            ([place.Guest("reach"), secret, place.Path, string.Empty], 19),
            ([place.Guest("mounts"), "as-is", secret, kept, place.Path], 20),
            ([place.Guest("mounts"), "own", secret, kept, place.Path], 20),
        ];
        foreach ((string[] attack, int lines) in attacks)
        {
            Outcome run = Older(place, errno, policy, attack);
            (string What, string Result)[] results = Isolated.Results(run);
            Assert.True(results.Length == lines, run.ToString());
            Assert.All(results, line => Assert.True(line.Result != Reached, $"{line}"));
        }

        Outcome copy = Older(
            place, errno, ["-p", place.Policy("{default: hide, paths: {/usr: ro, /bin: ro, "
                + "/lib: ro, /lib64: ro, ./outer: cow, /dev: dev, /tmp: tmpfs}}")],
            "sh", "-c", "echo x > outer/hidden/secret && cat outer/hidden/secret; ls -A; : > /made");
        Assert.Equal("x\nouter\n", copy.Out);
        Assert.Equal(Isolated.Secret, File.ReadAllText(secret));
        Assert.Equal("as it was\n", File.ReadAllText(kept));
    }

    [NamespacesTheory]
    [InlineData("")]
    [InlineData("exec unshare -U --map-user=1000 --map-group=1000 ")]
    public void Older_calls_make_read_only_what_is_mounted_below(string user)
    {
        using var place = new Isolated(Way.Rootless);
        Directory.CreateDirectory(place.File("kept/below"));
        Directory.CreateDirectory(place.File("open/below"));
        const string mounts = "mount -t tmpfs none kept/below && mkdir kept/below/deep "
            + "&& mount -t tmpfs -o noexec none kept/below/deep && mount -t tmpfs none open/below; ";
        string[] command =
        [
            "sh", "-c", "for d in kept kept/below kept/below/deep open open/below; do "
                + "touch $d/made && echo $d; done; "
                + "grep -c 'kept/below.* ro,nosuid,nodev' /proc/self/mountinfo; "
                + "grep -c 'deep ro,nosuid,nodev,noexec' /proc/self/mountinfo",
        ];
        string policy = place.Policy("{default: ro, paths: {./open: rw, /tmp: ro, .: ro}}");
        string[] line = place.Line(["-p", policy], command);
        Outcome run = Shell.Run(place.Path, null, Isolated.Behind(
            line, ["unshare", "-Urm", "sh", "-c", mounts + user + "\"$@\"", "sh",
                place.Guest("refuse"), "ENOSYS", .. MountApi, "--"]));
        Assert.True(run.Out == "open\nopen/below\n2\n1\n", run.ToString());
    }

    [NeedsFact("strace", namespaces: true)]
    public void A_file_system_that_is_mounted_meanwhile_is_not_left_writable()
    {
        using var place = new Isolated(Way.Rootless);
        Directory.CreateDirectory(place.File("kept/late"));
        string policy = place.Policy("{default: ro}");
        string[] line = place.Line(
            ["-p", policy], "sh", "-c", "ls kept/late; : > kept/late/made");

        // The first try fails by the filter, the second is held up before its clone.
        const string mount = "\"$@\" & while ! [ -e held ]; do sleep 0.05; done; "
            + "mount -t tmpfs none kept/late && : > kept/late/there && : > done; wait $!";
        string[] held =
        [
            "unshare", "-Urm", "sh", "-c", mount, "sh", "strace", "-qq", "-o",
            place.File("trace"), "-e", "trace=pidfd_open", "-e", "signal=none", "-e",
            "inject=pidfd_open:delay_enter=60s:when=2",
            place.Guest("refuse"), "ENOSYS", .. MountApi, "--",
        ];
        using Process process = Shell.Start(place.Path, Isolated.Behind(line, held));
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        int tracer = Await(() => Pid("strace", process.Id));
        Await(() => Children(tracer).Any(pid => IsolationPathTests.Stands(pid, "434 "))
            && Second(place) ? 1 : 0);
        File.WriteAllText(place.File("held"), "");
        Await(() => File.Exists(place.File("done")) ? 1 : 0);
        using (Process strace = Process.GetProcessById(tracer))
        {
            strace.Kill();
        }

        Assert.True(output.Wait(Shell.Patience) && error.Wait(Shell.Patience), "no end");
        Assert.Equal("there\n", output.Result);
        Assert.Contains("Read-only file system", error.Result);
    }

    [NeedsTheory("bwrap", "--unshare-all", "--dev-bind", "/", "/", "--proc", "/proc", "true")]
    [MemberData(nameof(Isolated.Ways), MemberType = typeof(Isolated))]
    public void Inside_of_bubblewrap_no_attack_gets_further(Way way)
    {
        if (way == Way.Root)
        {
            // bubblewrap leaves root no other user.
            return;
        }

        using var place = new Isolated(way);
        string secret = place.Write("outer/hidden/secret", Isolated.Secret);
        string kept = place.Write("kept/file", "as it was\n");
        foreach (string how in new[] { "as-is", "own" })
        {
            string[] line = place.Line(
                ["-p", place.Policy(View)], place.Guest("mounts"), how, secret, kept, place.Path);
            Outcome run = Shell.Run(place.Path, null, Isolated.Behind(
                line, "bwrap", "--unshare-all", "--dev-bind", "/", "/", "--proc", "/proc"));
            (string What, string Result)[] results = Isolated.Results(run);
            Assert.True(results.Length == 20, run.ToString());
            Assert.All(results, result => Assert.True(result.Result != Reached, $"{result}"));
        }
    }

    [Fact]
    public void A_container_without_namespaces_is_named_and_may_be_allowed_by_the_policy()
    {
        foreach (Way way in Isolated.AllWays)
        {
            if (way == Way.Root)
            {
                continue;
            }

            using var place = new Isolated(way);
            string container = place.Guest("container");
            Directory.CreateDirectory(place.File("kept"));
            string policy = place.Policy(View);
            Outcome refused = Shell.Run(place.Path, null, Isolated.Behind(
                place.Line(["-p", policy], "echo", "ran"), container));
            Assert.True(refused is { Status: 125, Out: "" }, refused.ToString());
            Assert.True(
                refused.Err.Contains("docker run --security-opt seccomp=unconfined"),
                refused.ToString());
            const string degrade =
                "degrade=[user, mount, pid, net, ipc, uts, cgroup, files, landlock, keyring]";
            string result = place.File("result");
            string[] line = place.Line(
                ["-p", policy, "--set", degrade, "--result", result], "echo", "ran");
            Outcome run = Shell.Run(place.Path, null, Isolated.Behind(line, container));
            Assert.True(run is { Status: 0, Out: "ran\n" }, run.ToString());
            string told = File.ReadAllText(result);
            Assert.Contains("\"degraded\":", told);
            Assert.Matches("\"degraded\":\\s*\\[[^]]*\"mount\"", told);
        }
    }

    private static Outcome Older(
        Isolated place, string errno, string[] options, params string[] command) =>
        Shell.Run(place.Path, null, Isolated.Behind(
            place.Line(options, command), [place.Guest("refuse"), errno, .. MountApi, "--"]));

    private static bool Second(Isolated place) =>
        File.ReadAllText(place.File("trace")).Split("pidfd_open").Length >= 2;

    private static int Await(Func<int> what)
    {
        var clock = Stopwatch.StartNew();
        int found = 0;
        while (found == 0 && clock.Elapsed < Shell.Patience)
        {
            found = what();
            System.Threading.Thread.Sleep(10);
        }

        Assert.True(found != 0, "it does not come to be");
        return found;
    }

    private static int Pid(string name, int below) => Children(below)
        .Select(pid => IsolationPathTests.Text($"/proc/{pid}/comm").Trim() == name
            ? pid : Pid(name, pid))
        .FirstOrDefault(pid => pid != 0);

    private static int[] Children(int pid) =>
        [.. IsolationPathTests.Text($"/proc/{pid}/task/{pid}/children")
            .Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
}
