using System;
using System.IO;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// Attacks on what is outside the namespaces of a run, on its init process and on the kernel's
/// settings. Each reaches its aim natively, or where the one protection is missing.
/// </summary>
[Collection("programs")]
public sealed class IsolationEscapeTests
{
    private const string Reached = "reached";
    private const string View = "{default: ro, paths: {/tmp: tmpfs, '~': hide, .: rw}}";

    public static TheoryData<Way> Ways => Isolated.Ways;

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Nothing_of_the_host_is_reached(Way way)
    {
        using var place = new Isolated(way);
        (string host, string guest) = (place.Guest("host"), place.Guest("outside"));
        (string What, string Result)[] native = Isolated.Results(place.Native(host, guest));
        Assert.Equal(22, native.Length);
        Assert.All(native, line => Assert.True(line.Result == Reached, $"{line}"));
        foreach (string[] how in new string[][] { [], ["own"] })
        {
            string[] run = place.Line(["-p", place.Policy(View)], [guest, .. how]);
            Outcome outcome = Shell.Run(place.Path, null, Isolated.Behind(run, host));
            (string What, string Result)[] inside = Isolated.Results(outcome);
            Assert.True(inside.Length == native.Length, outcome.ToString());
            Assert.All(inside, line => Assert.True(line.Result != Reached, $"{line}"));
        }
    }

    [NamespacesTheory]
    [InlineData("net", "net tcp|net abstract socket|net list of sockets")]
    [InlineData("ipc", "ipc shared memory|ipc semaphores|ipc message queue|ipc named queue")]
    [InlineData("mount", "mount /dev/shm")]
    [InlineData("pid", "pid signal|pid pidfd|pid priority|pid /proc/PID/status")]
    [InlineData("key", "key search|key by its number")]
    public void Without_one_protection_what_it_closes_is_open(string missing, string open) =>
        Assert.Equal(open, OpenWithout(missing, landlock: false));

    [NamespacesFact]
    public void Landlock_keeps_signals_and_abstract_sockets_in_where_the_namespace_is_missing()
    {
        // Linux 6.12 is the first with scopes; before it these two stay open.
        using var place = new Workplace();
        Match found = Regex.Match(Product.Call(place, "doctor").Out, @"landlock\.abi\s+no\s+ok\s+(\d+)");
        bool scopes = int.Parse("0" + found.Groups[1].Value, CultureInfo.InvariantCulture) >= 6;
        Assert.Equal(
            scopes ? "net tcp|net list of sockets" : "net tcp|net abstract socket|net list of sockets",
            OpenWithout("net", landlock: true));
        Assert.Equal(
            (scopes ? "" : "pid signal|") + "pid pidfd|pid priority|pid /proc/PID/status",
            OpenWithout("pid", landlock: true));
    }

    private static string OpenWithout(string missing, bool landlock)
    {
        using var place = new Isolated(Way.Rootless);
        (string host, string guest) = (place.Guest("host"), place.Guest("outside"));
        string policy = place.Policy(
            missing == "mount" ? string.Empty : View,
            [.. Isolated.AllNamespaces.Where(name => name != missing)],
            missing == "key" ? string.Empty : ", keyring: on", landlock);
        Outcome run = Shell.Run(
            place.Path, null, Isolated.Behind(place.Line(["-p", policy], guest), host));
        (string What, string Result)[] lines = Isolated.Results(run);
        Assert.True(lines.Length == 22, run.ToString());

        // The mount namespace also keeps the host's /proc away.
        return string.Join('|', lines.Where(
            line => line.Result == Reached && (missing != "mount" || line.What[0] == 'm'))
            .Select(line => line.What));
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void The_init_process_is_closed_to_guests(Way way)
    {
        using var place = new Isolated(way);
        string guest = place.Guest("initproc");
        (string What, string Result)[] native = Isolated.Results(
            place.Native("sh", "-c", "exec 3<.; \"$0\"; true", guest));
        Assert.Equal(20, native.Length);
        Assert.All(native, line => Assert.True(line.Result == Reached, $"{line}"));
        Outcome run = place.Run(["-p", place.Policy(View)], guest);
        (string What, string Result)[] inside = Isolated.Results(run);
        Assert.True(inside.Length == native.Length, run.ToString());
        Assert.All(inside, line => Assert.Matches("^(EPERM|EACCES|ENOENT)$", line.Result));
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Signals_do_not_end_the_init_process(Way way)
    {
        using var place = new Isolated(way);
        Outcome run = place.Run(
            ["-p", place.Policy(View)], place.Guest("initproc"), "signals");
        Assert.Equal(("it lives: reached\n", 0), (run.Out, run.Status));
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Settings_of_the_kernel_cannot_be_written(Way way)
    {
        using var place = new Isolated(way);
        string guest = place.Guest("settings");
        Directory.CreateDirectory(place.File("place"));
        if (way == Way.KeptRoot)
        {
            string[] open = [.. Isolated.Results(place.Native(guest))
                .Where(line => line.Result == Reached).Select(line => line.What)];
            Assert.Contains("/proc/sys/kernel/core_pattern", open);
            Assert.Contains("/proc/sys/vm/overcommit_memory", open);
            Assert.Contains("/sys/kernel/mm/ksm/run", open);

            // And under a policy that leaves them as they are.
            Outcome without = place.Run(
                ["-p", place.Policy("{default: ro, paths: {.: rw, /proc: rw, /sys: rw}}")], guest);
            Assert.Contains("/proc/sys/kernel/core_pattern: reached", without.Out);
            Assert.Contains("/sys/kernel/mm/ksm/run: reached", without.Out);
        }

        string policy = place.Policy(View);
        Outcome run = place.Run(["-p", policy], guest);
        Assert.True(Isolated.Results(run).Length > 20, run.ToString());
        Assert.DoesNotContain(Reached, run.Out, StringComparison.Ordinal);

        // Those are of the namespaces that the guest has made, and of no other.
        string[] its = ["/proc/sys/user/max_user_namespaces", "/proc/sys/kernel/pid_max"];
        Outcome own = place.Run(["-p", policy], guest, "own", place.File("place"));
        (string What, string Result)[] lines = Isolated.Results(own);
        Assert.True(lines.Length > 40, own.ToString());
        Assert.All(
            lines.Where(line => !its.Any(i => line.What.EndsWith(i, StringComparison.Ordinal))),
            line => Assert.True(line.Result != Reached, $"{line}"));
    }

    [RootFact("only root makes device nodes")]
    public void Devices_are_neither_made_nor_opened()
    {
        const string script = "head -c 1 zero | wc -c; mknod made c 1 5 && echo made; "
            + "mknod disk b 254 0 && echo made";
        string said = string.Empty;
        foreach (Way way in Isolated.AllWays)
        {
            using var place = new Isolated(way);
            Shell.Run(place.Path, null, "mknod", "-m", "666", "zero", "c", "1", "5");
            Outcome native = place.Native("sh", "-c", script);
            Assert.Equal(way == Way.Rootless ? "1\n" : "1\nmade\nmade\n", native.Out);
            Shell.Run(place.Path, null, "rm", "-f", "made", "disk");
            Outcome run = place.Run(["-p", place.Policy(View)], "sh", "-c", script);
            Assert.Equal("0\n", run.Out);
            Outcome own = place.Run(
                ["-p", place.Policy(View)],
                "unshare", way == Way.KeptRoot ? "-Um" : "-Umc", "sh", "-c", script);
            Assert.Equal("0\n", own.Out);
            said += run.Err;
        }

        Assert.Contains("zero", said, StringComparison.Ordinal);
    }

    [RootFact("only root makes a program that others run as root")]
    public void A_set_user_id_program_gives_nothing()
    {
        foreach (Way way in Isolated.AllWays.Where(way => way != Way.KeptRoot))
        {
            using var place = new Isolated(way);
            place.GiveAway();
            Shell.Run(place.Path, null, "sh", "-c", "cp /usr/bin/id id && chmod 6755 id");
            string[] line = ["./id", "-u"];
            Assert.Equal("0\n", Shell.Run(place.Path, null, ["setpriv", "--reuid=65534", .. line]).Out);

            // As it is, for giving it away would take the bit off.
            string[] run = place.Line(["-p", place.Policy(View)], line);
            Shell.Run(place.Path, null, "sh", "-c", "chown 0:0 id && chmod 6755 id");
            Assert.Equal("65534\n", Shell.Run(place.Path, null, run).Out);
        }
    }
}
