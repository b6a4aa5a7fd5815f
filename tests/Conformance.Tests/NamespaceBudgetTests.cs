using System.Linq;
using System.Text.Json;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// How many namespaces guests may have and how deep, whoever makes them and however they are kept.
/// </summary>
[Collection("engine")]
public sealed class NamespaceBudgetTests
{
    private const string User = "creation.namespaces.user.max=4";

    /// <summary>A type and a way to make one; clone(2) has no bit for CLONE_NEWTIME.</summary>
    public static TheoryData<string, string> Ways
    {
        get
        {
            var ways = new TheoryData<string, string> { { "time", "unshare" } };
            foreach (string type in new[] { "user", "mount", "pid", "net", "ipc", "uts", "cgroup" })
            {
                ways.Add(type, "unshare");
                ways.Add(type, "clone");
            }

            return ways;
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Namespaces_that_daemons_keep_count_until_they_are_gone(string type, string way)
    {
        string[] guest = [Guests.Path("budgets"), "hold", way, type, "4"];
        Assert.Equal("ok ok ok ok then ok\n", Shell.Run("/", null, guest).Out);
        Assert.Equal("ok ok ENOSPC ENOSPC then ok\n", Run([Max(type, 2)], guest));
        Assert.Equal("ENOSPC ENOSPC ENOSPC ENOSPC then ENOSPC\n", Run([Max(type, 0)], guest));
    }

    [NamespacesTheory]
    [InlineData("user")]
    [InlineData("mount")]
    [InlineData("pid")]
    [InlineData("net")]
    [InlineData("time")]
    public void One_after_the_other_finds_the_place_of_the_one_before(string type)
    {
        string[] guest = [Guests.Path("budgets"), "turns", type, "25"];
        Assert.Equal("0 refused\n", Shell.Run("/", null, guest).Out);
        Assert.Equal("0 refused\n", Run([Max(type, 1)], guest));
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Depth_is_that_of_one_made_within_another(string type, string way)
    {
        string[] guest = [Guests.Path("budgets"), "deep", way, type, "3"];
        Assert.Equal("ok ok ok \n", Shell.Run("/", null, guest).Out);
        Assert.Equal("ok ok ENOSPC \n", Run([$"creation.namespaces.{type}.depth=2"], guest));
    }

    [NamespacesTheory]
    [InlineData("mount")]
    [InlineData("pid")]
    [InlineData("net")]
    [InlineData("uts")]
    public void One_that_only_a_descriptor_keeps_counts(string type)
    {
        string[] guest = [Guests.Path("budgets"), "pin", type];
        Assert.Equal("held ok, ok, then ok\n", Shell.Run("/", null, guest).Out);
        Assert.Equal("held ok, ENOSPC, then ok\n", Run([Max(type, 1)], guest));
    }

    [NamespacesTheory]
    [InlineData("user", 1)]
    [InlineData("net", 3)]
    [InlineData("uts", 7)]
    public void Of_many_that_ask_at_once_as_many_as_may_get_one(string type, int most)
    {
        string[] guest = [Guests.Path("budgets"), "race", type, "12"];
        Assert.Equal("12 of 12\n", Shell.Run("/", null, guest).Out);
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal($"{most} of 12\n", Run([Max(type, most)], guest));
        }
    }

    [NamespacesFact]
    public void Depth_goes_with_the_namespace_that_is_entered()
    {
        string[] guest = [Guests.Path("budgets"), "enter"];
        Assert.Equal("depth 1: ok, ok\ndepth 2: ok, ok\n", Shell.Run("/", null, guest).Out);
        Assert.Equal(
            "depth 1: ok, ok\ndepth 2: ok, ENOSPC\n",
            Run(["creation.namespaces.user.depth=2", "creation.entry.setns=allow"], guest));
    }

    [NamespacesFact]
    public void Whoever_cannot_be_looked_at_enters_nothing()
    {
        string[] guest = [Guests.Path("budgets"), "hide", "4"];
        Assert.Equal("depth 4\n", Shell.Run("/", null, guest).Out);
        string[] settings = ["creation.namespaces.user.depth=2", "creation.entry.setns=allow"];
        int depth = int.Parse(Run(settings, guest)[6..]);
        Assert.InRange(depth, 0, 2);
        Assert.InRange(int.Parse(Run([.. settings, Max("user", 50)], guest)[6..]), 0, 2);
    }

    [NamespacesFact]
    public void A_namespace_is_not_taken_for_one_that_had_its_number_before()
    {
        string[] guest = [Guests.Path("budgets"), "reuse", "30"];
        Assert.Equal("too deep\n", Shell.Run("/", null, guest).Out);
        Assert.Equal(
            "not too deep\n",
            Run(["creation.namespaces.user.depth=2", "creation.entry.setns=allow"], guest));
    }

    [NamespacesFact]
    public void A_call_that_waits_for_a_place_counts_once_against_the_rate()
    {
        string[] guest = [Guests.Path("budgets"), "turns", "user", "12"];
        Assert.Equal(
            "0 refused\n", Run([Max("user", 1), "creation.limits.per_second=30"], guest));
    }

    [NamespacesFact]
    public void A_call_that_waits_for_a_place_is_told_and_numbered_once()
    {
        const int turns = 12;
        using var place = new Workplace();
        Reported run = Reported.Run(
            place, ["-q", "-p", "permissive", "--set", Max("user", 1)], Guests.Path("budgets"),
            "turns", "user", $"{turns}");
        Assert.Equal("0 refused\n", run.Outcome.Out);
        JsonElement[] clones = run.Named("clone");
        JsonElement[] moves = run.Named("namespace");
        Assert.Equal(turns / 2, moves.Length);
        Assert.All(
            [.. clones, .. moves], e => Assert.Equal("allow", Reported.Text(e, "verdict")));
        Assert.Equal(
            Enumerable.Range(1, clones.Length),
            clones.Select(e => e.GetProperty("id").GetInt32()));

        // The first task is nobody's request.
        JsonElement decisions = run.Result.GetProperty("decisions");
        Assert.Equal(
            clones.Length - 1 + moves.Length,
            decisions.GetProperty("hits").GetInt32() + decisions.GetProperty("misses").GetInt32());
    }

    [NamespacesFact]
    public void A_call_that_waits_for_a_place_is_told_though_a_handler_asks_for_one_too()
    {
        using var place = new Workplace();
        Reported run = Reported.Run(
            place, ["-q", "-p", "permissive", "--set", Max("uts", 1)], Guests.Path("budgets"),
            "handle");
        Assert.Equal("ENOSPC, handler ENOSPC\n", run.Outcome.Out);
        JsonElement[] clones = run.Named("clone");
        Assert.Equal(
            Enumerable.Range(1, clones.Length),
            clones.Select(e => e.GetProperty("id").GetInt32()).Order());
        Assert.Single(clones, e => Reported.Text(e, "verdict") == "unwound");
        Assert.Equal(2, clones.Count(e => Reported.Text(e, "verdict") == "deny"));
    }

    [NamespacesFact]
    public void Types_have_budgets_of_their_own()
    {
        string guest = Guests.Path("budgets");
        string both = $"{guest} hold unshare user 3; {guest} hold clone user 3";
        Assert.Equal(
            "ok ok ENOSPC then ok\nok ok ENOSPC then ok\n",
            Run([Max("user", 2), Max("net", 0), Max("ipc", 1)], "sh", "-c", both));
    }

    [NamespacesFact]
    public void Ids_are_the_same_inside_and_limits_cannot_be_raised()
    {
        string script = "id -u; id -g; echo 9999 > /proc/sys/user/max_user_namespaces; "
            + $"{Guests.Path("budgets")} hold unshare user 6";
        string[] ids = Shell.Run("/", null, "sh", "-c", "id -u; id -g").Out.Split('\n');
        Assert.Equal(
            $"{ids[0]}\n{ids[1]}\nok ok ok ok ENOSPC ENOSPC then ok\n",
            Run([User], "sh", "-c", script));
    }

    [NamespacesFact]
    public void A_budget_that_is_used_up_is_told_with_its_line_and_the_edit()
    {
        using var place = new Workplace();
        string policy = place.Write(
            "p.yaml",
            "version: 1\nextends: permissive\ncreation:\n  namespaces: {user: {max: 1, depth: 1}}\n");
        Reported run = Reported.Run(
            place, ["-p", policy], Guests.Path("budgets"), "hold", "unshare", "user", "3");
        Assert.Equal("ok ENOSPC ENOSPC then ok\n", run.Outcome.Out);
        Assert.Contains(
            "denied 2 x unshare(CLONE_NEWUSER)", run.Outcome.Err, System.StringComparison.Ordinal);
        Assert.Contains(
            "--set creation.namespaces.user.max=2", run.Outcome.Err, System.StringComparison.Ordinal);
        JsonElement limit = Assert.Single(run.Named("limit"));
        Assert.Equal("creation.namespaces.user.max", Reported.Text(limit, "which"));
        Assert.Equal(1, limit.GetProperty("value").GetInt32());
        JsonElement[] denied =
            [.. run.Named("namespace").Where(e => Reported.Text(e, "verdict") == "deny")];
        Assert.Equal(2, denied.Length);
        Assert.All(denied, e => Assert.Equal("ENOSPC", Reported.Text(e, "errno")));
        Assert.Equal(4, denied[0].GetProperty("rule").GetProperty("line").GetInt32());
    }

    [NamespacesFact]
    public void Without_user_namespaces_nothing_runs_and_the_remedy_is_said()
    {
        using var place = new Workplace();
        string run = $"echo 0 > /proc/sys/user/max_user_namespaces && "
            + $"{Product.Sandbox} run -p permissive --set {User} -- touch {place.File("ran")}";
        Outcome outcome = Shell.Run(place.Path, null, "unshare", "-U", "-r", "sh", "-c", run);
        Assert.Equal(125, outcome.Status);
        Assert.Equal(
            "sandbox: unshare(CLONE_NEWUSER) of the counting namespace: ENOSPC (No space left on "
                + "device); a policy that limits the number of namespaces needs user namespaces: "
                + "sudo sysctl -w user.max_user_namespaces=15000\n",
            outcome.Err);
        Assert.False(System.IO.File.Exists(place.File("ran")));
    }

    private static string Max(string type, int most) => $"creation.namespaces.{type}.max={most}";

    private static string Run(string[] settings, params string[] command)
    {
        using var place = new Workplace();
        string[] options =
            ["-q", "-p", "permissive", "--verify", .. settings.SelectMany(s => new[] { "--set", s })];
        Outcome outcome = Product.Run(place, options, command);
        Assert.DoesNotContain("internal error", outcome.Err, System.StringComparison.Ordinal);
        return outcome.Out;
    }
}
