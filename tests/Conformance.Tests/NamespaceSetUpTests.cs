using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// Namespaces that guests make, or are given, are set up before anything runs in them.
/// </summary>
[Collection("engine")]
public sealed class NamespaceSetUpTests
{
    private const string Both = "CLONE_NEWUSER,CLONE_NEWNET";
    private const string Guest = "newspaces";

    private static readonly string[] Up = ["--set", "creation.namespaces.net.loopback=up"];

    /// <summary>Who runs it, under which profile.</summary>
    public static TheoryData<Way, string> Profiles
    {
        get
        {
            var rows = new TheoryData<Way, string>();
            foreach (Way way in Isolated.AllWays.Where(w => w != Way.KeptRoot))
            {
                rows.Add(way, "default");
                rows.Add(way, "build");
            }

            return rows;
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(Profiles))]
    public void Ids_and_the_loopback_device_are_there_whoever_asked(Way way, string profile)
    {
        using var place = new Isolated(way);
        string[] ids =
            ["-p", profile, "--set", "isolation.user.uid=1000", "--set", "isolation.user.gid=1001"];
        foreach ((string map, string told) in new[]
        {
            ("caller", "ids 1000 1001 maps 1000:1000:1 1001:1001:1 setgroups deny lo up\n"),
            ("root", "ids 0 0 maps 0:1000:1 0:1001:1 setgroups deny lo up\n"),
            ("none", "ids 65534 65534 maps none none setgroups "),
        })
        {
            string[] options = [.. ids, "--set", $"creation.namespaces.user.map={map}", .. Up];
            foreach (string call in new[] { "clone", "clone3", "unshare", "fork", "spawn" })
            {
                string key = call is "fork" or "spawn" ? "creation.require" : "creation.allow";
                Outcome run = place.Run(
                    [.. options, "--set", $"{key}={Both}"], NewGuest(place), call);
                Assert.True(
                    run.Out.StartsWith(told, StringComparison.Ordinal),
                    $"{map} {call}: {run}");
                Assert.EndsWith("lo up\n", run.Out, StringComparison.Ordinal);
            }
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(Profiles))]
    public void Without_the_keys_nothing_is_set_up(Way way, string profile)
    {
        using var place = new Isolated(way);
        Outcome run = place.Run(
            ["-p", profile, "--set", $"creation.require={Both}"], NewGuest(place), "fork");
        Assert.Matches("^ids 65534 65534 maps none none setgroups (deny|allo) lo down\n$", run.Out);
    }

    [NamespacesTheory]
    [InlineData("permissive")]
    [InlineData("default")]
    public void One_that_is_given_counts_against_its_budget_and_leaves_nothing(string profile)
    {
        using var place = new Isolated(Way.Rootless);
        string[] options =
        [
            "-p", profile, "--set", $"creation.require={Both}", "--set",
            "creation.namespaces.user.max=2", "--set", "creation.namespaces.user.map=caller", .. Up,
        ];
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("2 made\n", place.Run(options, NewGuest(place), "held", "6").Out);
        }

        Outcome deep = place.Run(
            [.. options, "--set", "creation.namespaces.user.depth=1"], "sh", "-c",
            "(sh -c 'echo one; (echo two)')");
        Assert.Equal("one\n", deep.Out);
        Assert.Contains("Cannot fork", deep.Err, StringComparison.Ordinal);
    }

    [NamespacesFact]
    public void It_is_told_in_events_and_in_the_result()
    {
        using var place = new Workplace();
        Reported run = Reported.Run(
            place, ["-q", "-p", "permissive", "--set", "creation.namespaces.user.map=root", .. Up],
            "sh", "-c", $"{Guests.Path(Guest)} clone; {Guests.Path(Guest)} unshare");
        JsonElement[] made = [.. run.Named("clone").Concat(run.Named("namespace"))
            .Where(e => e.TryGetProperty("set_up", out _))];
        Assert.Equal(2, made.Length);
        Assert.All(made, e => Assert.Equal(
            """{"creation.namespaces.user.map":"root","creation.namespaces.net.loopback":"up"}""",
            e.GetProperty("set_up").GetRawText()));
        Assert.Equal(
            """{"maps_written":2,"loopbacks_raised":2}""",
            run.Result.GetProperty("namespaces").GetRawText());
    }

    [NamespacesFact]
    public void Who_cannot_write_its_own_map_makes_no_user_namespace()
    {
        using var place = new Isolated(Way.Rootless);
        string[] options =
            ["-p", "default", "--set", $"creation.require={Both}", "--set", "creation.namespaces.user.map=caller"];
        Assert.Equal("EACCES\n", place.Run(options, NewGuest(place), "undumpable").Out);
    }

    [RootFact("the id 0 of a namespace is there where root gave it")]
    public void The_id_0_is_mapped_only_for_who_may_set_capabilities_of_files()
    {
        using var place = new Isolated(Way.KeptRoot);
        string[] options =
            ["-p", "build", "--set", $"creation.allow={Both}", "--set", "creation.namespaces.user.map=caller"];
        Assert.Equal("EPERM\n", place.Run(options, NewGuest(place), "clone").Out);
        Assert.Equal("EPERM\n", place.Run(options, NewGuest(place), "unshare").Out);
        Outcome may = place.Run(
            [.. options, "--set", "isolation.capabilities=CAP_SETFCAP"], NewGuest(place), "clone");
        Assert.StartsWith("ids 0 0 maps 0:0:1 0:0:1 ", may.Out, StringComparison.Ordinal);
    }

    [NamespacesTheory]
    [MemberData(nameof(Profiles))]
    public void Every_type_can_be_given_to_each_process(Way way, string profile)
    {
        using var place = new Isolated(way);
        const string script = """
            import os
            def links(): return [os.readlink("/proc/self/ns/" + t) for t in ("user", "mnt", "net", "ipc", "uts", "cgroup")]
            own = links()
            if os.fork() == 0:
                print([a == b for a, b in zip(own, links())].count(False), os.getuid(), flush=True)
                os._exit(0)
            print(os.wait()[1])
            """;
        string[] types = ["USER", "NS", "NET", "IPC", "UTS", "CGROUP"];
        string all = string.Join(',', types.Select(t => "CLONE_NEW" + t));
        Outcome run = place.Run(
            [
                "-p", profile, "--set", "isolation.user.uid=1000", "--set", $"creation.require={all}",
                "--set", "creation.namespaces.user.map=root",
            ],
            "/usr/bin/python3", "-c", script);
        Assert.Equal("6 0\n0\n", run.Out);
    }

    [NamespacesTheory]
    [InlineData("KILL")]
    [InlineData("STOP")]
    public void Without_what_sets_them_up_no_namespace_is_made_and_the_rest_goes_on(string signal)
    {
        // A guest of the same user can end that process, as it can end the supervisor.
        const string script = """
            supervisor=$(awk '/^PPid/{print $2}' /proc/$$/status)
            for p in $(cat /proc/$supervisor/task/*/children); do
                [ "$(cat /proc/$p/comm)" = nssetup ] && kill -$2 $p && echo ended
            done
            $1 clone; $1 unshare; (echo plain)
            """;
        using var place = new Workplace();
        Outcome run = Product.Run(
            place,
            ["-q", "-p", "permissive", "--set", "creation.namespaces.user.map=caller"],
            "sh", "-c", script, "sh", Guests.Path(Guest), signal);
        Assert.Equal("ended\nEAGAIN\nEAGAIN\nplain\n", run.Out);
    }

    [NamespacesFact]
    public void Policies_say_what_is_set_up()
    {
        using var place = new Workplace();
        string policy = place.Write(
            "p.yaml", "version: 1\nextends: default\ncreation:\n  allow: [CLONE_NEWUSER]\n"
                + "  namespaces: {user: {max: 3, map: caller}, net: {loopback: up}}\n");
        string shown = Product.Call(place, "policy", "show", policy).Out;
        Assert.Contains(
            "  namespaces:\n    user:\n      max: 3 ", shown, StringComparison.Ordinal);
        Assert.Matches("    net:\n      loopback: up +# ", shown);
        string told = Product.Call(place, "explain", "-p", policy, "clone(CLONE_NEWUSER)").Out;
        Assert.Contains("creation.namespaces.user.map: caller", told, StringComparison.Ordinal);
        Assert.DoesNotContain("loopback", told, StringComparison.Ordinal);
    }

    private static string NewGuest(Isolated place)
    {
        string path = place.File(Guest);
        if (!File.Exists(path))
        {
            File.Copy(Guests.Path(Guest), path);
            File.SetUnixFileMode(path, (UnixFileMode)0x1ed);
        }

        return path;
    }
}
