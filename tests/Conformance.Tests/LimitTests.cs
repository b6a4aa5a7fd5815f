using System.Text.Json;
using Conformance.Harness;

namespace Conformance;

/// <summary>Limits hold to the task, however tasks come and go.</summary>
[Collection("engine")]
public sealed class LimitTests
{
    [Theory]
    [InlineData(2, 600)]
    [InlineData(5, 1500)]
    [InlineData(40, 2500)]
    [InlineData(150, 3000)]
    public void A_fork_bomb_never_has_a_task_too_many_and_loses_no_place(int limit, int attempts)
    {
        using var place = new Workplace();
        Reported run = Reported.Run(
            place, ["-q", "-p", "permissive", "--set", $"creation.limits.tasks={limit}"],
            Guests.Path("bomb"), "tasks", $"{limit}", $"{attempts}");
        Assert.Equal(
            $"over the limit 0, came near it 1\nagain {limit}, then EAGAIN\n", run.Outcome.Out);
        Assert.Equal(limit, run.Tasks("peak"));
        Assert.Equal("exited", Reported.Text(run.Result, "status"));
        Assert.Equal(limit, PeakOf(run.Events));
    }

    [Theory]
    [InlineData(6)]
    [InlineData(20)]
    public void A_process_never_has_a_thread_too_many(int limit)
    {
        using var place = new Workplace();
        Outcome run = Product.Run(
            place, ["-q", "-p", "permissive", "--set", $"creation.limits.threads={limit}"],
            Guests.Path("bomb"), "threads", $"{limit}", "3000");
        Assert.Equal(
            $"over the limit 0, came near it 1\nagain {limit}, then EAGAIN\n", run.Out);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    public void Depth_counts_generations_whose_parents_are_gone(string siblings)
    {
        using var place = new Workplace();
        string guest = Guests.Path("bomb");
        Outcome run = Product.Run(
            place, ["-q", "-p", "permissive", "--set", "creation.limits.depth=9"],
            guest, "depth", siblings);
        Assert.Equal("9 generations, then EAGAIN\n", run.Out);
        Assert.Equal("no limit\n", Product.Run(place, Twice.Permissive, guest, "depth", siblings).Out);
    }

    [Fact]
    public void No_second_holds_more_creations_than_the_limit()
    {
        using var place = new Workplace();
        Outcome run = Product.Run(
            place, ["-q", "-p", "permissive", "--set", "creation.limits.per_second=80"],
            Guests.Path("bomb"), "rate", "80", "1600");
        Assert.Equal("seconds with too many 0, more than one second's 1\n", run.Out);
    }

    /// <summary>The most tasks that were alive by the events, in their order.</summary>
    private static int PeakOf(JsonElement[] events)
    {
        int alive = 0;
        int peak = 0;
        foreach (JsonElement e in events)
        {
            string name = Reported.Text(e, "event");
            alive += name == "exit" ? -1
                : name == "clone" && Reported.Text(e, "verdict") == "allow" ? 1 : 0;
            peak = alive > peak ? alive : peak;
        }

        return peak;
    }
}
