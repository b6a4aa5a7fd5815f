using System;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// However much a guest asks for, the supervisor's memory stays where it is, and the creations
/// of others go on.
/// </summary>
[Collection("engine")]
public sealed class EscapeFloodTests
{
    [NamespacesFact]
    public void Denied_calls_that_stop_are_counted_and_cost_no_memory()
    {
        const int Calls = 40_000;
        using var place = new Workplace();
        Outcome run = Flood(place, ["--result", place.File("result")], "denied", Calls);
        Assert.Equal("wrong 0, bystander 100, reused none\n", run.Out);
        Assert.Contains("denied", run.Err, StringComparison.Ordinal);
        using var json = System.Text.Json.JsonDocument.Parse(
            System.IO.File.ReadAllText(place.File("result")));
        int denied = json.RootElement.GetProperty("tasks").GetProperty("denied").GetInt32();
        Assert.InRange(denied, Calls / 2, int.MaxValue);
        Assert.InRange(json.RootElement.GetProperty("denials").GetArrayLength(), 1, 256);
    }

    [Fact]
    public void Two_million_denied_calls_that_the_filter_answers_reach_nobody()
    {
        using var place = new Workplace();
        Outcome run = Flood(place, ["-q"], "quiet", 2_000_000);
        Assert.Equal("wrong 0, bystander 100, reused none\n", run.Out);
        Assert.Empty(run.Err);
    }

    [Fact]
    public void A_fork_bomb_at_its_limit_leaves_room_for_others_and_memory_alone()
    {
        using var place = new Workplace();
        Outcome run = Flood(place, ["--set", "creation.limits.tasks=6"], "bomb", 300);
        Assert.Equal("wrong 0, bystander 100, reused none\n", run.Out);
        Assert.Contains("creation.limits.tasks", run.Err, StringComparison.Ordinal);
    }

    [Fact]
    public void Process_ids_that_come_again_are_told_apart()
    {
        using var place = new Workplace();
        Outcome run = Flood(place, ["-q", "--verify"], "reuse", 3000);
        Assert.StartsWith("wrong 0, bystander 100, ", run.Out, StringComparison.Ordinal);

        // Others wait until ids have gone round, which may take millions.
        Assert.True(
            !Host.IsRoot
                || !run.Out.EndsWith("reused none\n", StringComparison.Ordinal), run.Out);
    }

    private static Outcome Flood(Workplace place, string[] options, string what, int count)
    {
        Outcome run = Product.Run(
            place, ["-p", "processes", .. options], Guests.Escape("flood"), what, $"{count}");
        Assert.Equal(0, run.Status);
        return run;
    }
}
