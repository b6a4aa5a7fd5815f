using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using Conformance.Harness;

namespace Conformance;

/// <summary>Hosts that cannot give what a policy asks for, and those that can in their way.</summary>
[Collection("engine")]
public sealed class IsolationHostTests
{
    private const string View = "{default: ro, paths: {'~': hide, .: rw}}";

    /// <summary>What makes an unprivileged task of one that is root in a user namespace.</summary>
    private const string Unprivileged = "exec unshare -U --map-user=1000 --map-group=1000 ";

    [NamespacesTheory]
    [InlineData(
        "echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all "
            + "--inh-caps=-all ", "clone of the command: ENOSPC", "user.max_user_namespaces")]
    [InlineData(
        "mount -t tmpfs none /proc/driver; " + Unprivileged,
        "of proc for /proc: EPERM", "a container may not have")]
    [InlineData("ulimit -n 14; exec ", "EMFILE", "ulimit -n")]
    public void What_is_missing_is_named_with_what_mends_it(
        string prepare, string message, string remedy)
    {
        using var place = new Isolated(Way.Rootless);
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        string[] line = place.Line(["-p", place.Policy(View)], "echo", "ran");
        string[] before = File.ReadAllLines("/proc/self/mountinfo");
        Outcome run = Shell.Run(
            place.Path, null, ["env", mark, .. Isolated.Behind(
                line, "unshare", "-Urm", "sh", "-c", prepare + "\"$@\"", "sh")]);
        Assert.True(run.Status == 125 && run.Out.Length == 0, run.ToString());
        Assert.Contains(message, run.Err, StringComparison.Ordinal);
        Assert.Contains(remedy, run.Err, StringComparison.Ordinal);
        Assert.Empty(Survivors.Of(mark));
        Assert.Equal(before, File.ReadAllLines("/proc/self/mountinfo"));
    }

    [NamespacesFact]
    public void Where_AppArmor_restricts_user_namespaces_the_profile_that_mends_it_is_shown()
    {
        // Its switch, as Ubuntu 24.04 has it; and a filter that refuses what it refuses.
        const string prepare = "mount -t tmpfs none /proc/sys/kernel && echo 1 "
            + ">/proc/sys/kernel/apparmor_restrict_unprivileged_userns && exec \"$@\"";
        using var place = new Isolated(Way.Rootless);
        string[] parent = ["unshare", "-Urm", "sh", "-c", prepare, "sh", place.Guest("container")];
        string profile = "sandbox flags=(unconfined) { userns, }' | sudo tee /etc/apparmor.d/sandbox"
            + " && sudo apparmor_parser -r /etc/apparmor.d/sandbox";
        Outcome run = Shell.Run(place.Path, null, Isolated.Behind(
            place.Line(["-p", place.Policy(View)], "echo", "ran"), parent));
        Assert.True(run is { Status: 125, Out: "" }, run.ToString());
        Assert.Contains(profile, run.Err, StringComparison.Ordinal);
        Outcome doctor = place.CallBehind(parent, "doctor");
        Assert.Contains(profile, doctor.Out, StringComparison.Ordinal);
        Assert.Contains("apparmor_restrict_unprivileged_userns is 1", doctor.Out);
    }

    [NamespacesTheory]
    [InlineData("", 125)]
    [InlineData("degrade: [ipc, time]", 125)]
    [InlineData("degrade: [time, net]", 0)]
    public void What_a_policy_may_lack_it_goes_without_and_says_so(string degrade, int status)
    {
        using var place = new Workplace();
        string policy = place.Write(
            "p.yaml", "version: 1\nextends: permissive\n"
                + $"isolation: {{namespaces: [user, net, ipc]}}\n{degrade}\n");
        string result = place.File("result");
        Outcome run = Shell.Run(
            place.Path, null, "unshare", "-Ur", "sh", "-c",
            "echo 0 >/proc/sys/user/max_net_namespaces; exec \"$@\"", "sh", Product.Sandbox, "run",
            "-p", policy, "--result", result, "--", "echo", "ran");
        Assert.Equal((status, status == 0 ? "ran\n" : ""), (run.Status, run.Out));
        JsonElement told = JsonDocument.Parse(File.ReadAllText(result)).RootElement;
        string[] Names(string list) =>
            [.. told.GetProperty(list).EnumerateArray().Select(name => name.GetString()!)];
        Assert.Equal(status == 0 ? ["net"] : [], Names("degraded"));
        Assert.DoesNotContain("net", Names("enforced"));
        Assert.Equal(status == 0, Names("enforced").Contains("ipc"));
        Assert.Equal(
            status == 0, run.Err.Contains("runs without net: ", StringComparison.Ordinal));
        Assert.Equal(
            status == 0, told.GetProperty("launch").TryGetProperty("clone_ns", out JsonElement _));
    }

    [NamespacesFact]
    public void A_container_that_forbids_namespaces_is_told_from_a_policy_without_any()
    {
        foreach (Way way in Isolated.AllWays)
        {
            if (way == Way.Root)
            {
                continue;
            }

            using var place = new Isolated(way);
            string container = place.Guest("container");
            string[] line = place.Line(["-p", place.Policy(View)], "echo", "ran");
            Outcome run = Shell.Run(place.Path, null, Isolated.Behind(line, container));
            Assert.True(run.Status == 125 && run.Out.Length == 0, run.ToString());
            Assert.Contains("clone of the command: EPERM", run.Err, StringComparison.Ordinal);
            Assert.Contains("the policy asks for namespaces", run.Err, StringComparison.Ordinal);
            string[] plain = place.Line(["-p", "permissive"], "echo", "ran");
            Assert.Equal("ran\n", Shell.Run(place.Path, null, Isolated.Behind(plain, container)).Out);
        }
    }

    [NeedsTheory("bwrap", "--unshare-all", "--dev-bind", "/", "/", "--proc", "/proc", "true")]
    [InlineData("")]
    [InlineData("--unshare-user")]
    [InlineData("--unshare-user --unshare-pid --proc /proc")]
    [InlineData("--unshare-all --proc /proc --dev /dev --tmpfs /run")]
    public void Inside_another_sandbox_it_works_the_same(string options)
    {
        foreach (Way way in Isolated.AllWays)
        {
            if (way == Way.Root)
            {
                continue;
            }

            using var place = new Isolated(way);
            place.Write("home/secret", Isolated.Secret);
            string[] line = place.Line(
                ["-p", place.Policy(View)], "sh", "-c", "ls home | wc -l; : >made && echo $$");
            Outcome run = Shell.Run(place.Path, null, Isolated.Behind(
                line, ["bwrap", "--dev-bind", "/", "/", "--bind", "/tmp", "/tmp",
                    .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]));
            Assert.True(run.Out == "0\n2\n" && run.Status == 0, run.ToString());
            Assert.True(File.Exists(place.File("made")));
        }
    }

    [NamespacesFact]
    public void Under_a_proc_of_other_pids_nothing_is_started()
    {
        using var place = new Isolated(Way.Rootless);
        string[] line = place.Line(["-p", place.Policy(View)], "echo", "ran");
        Outcome run = Shell.Run(
            place.Path, null, Isolated.Behind(line, "unshare", "-Upf", "--map-current-user"));
        Assert.True(run.Status == 125 && run.Out.Length == 0, run.ToString());
        Assert.Contains("it is of other pids", run.Err, StringComparison.Ordinal);
    }
}
