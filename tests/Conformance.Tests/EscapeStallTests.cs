using System;
using System.IO;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// Memory that does not come, and a stop that is never resumed: what keeps the supervisor from
/// its work is ended, and named.
/// </summary>
[Collection("engine")]
public sealed class EscapeStallTests
{
    private const int NotHad = 77;
    private static readonly string[] Default = ["-p", "processes"];

    [NeedsUserfaultFact]
    public void A_caller_whose_memory_never_comes_dies_and_others_go_on()
    {
        using var place = new Workplace();
        Reported run = Reported.Run(place, Default, Guests.Escape("stall"), "own");
        Assert.Equal("caller 1009, bystander 50\n", run.Outcome.Out);
        Assert.Contains("was killed: its memory kept the supervisor waiting", run.Outcome.Err);
        Assert.Equal("exited", Reported.Text(run.Result, "status"));
    }

    [NeedsUserfaultFact]
    public void Where_another_guest_holds_the_memory_back_the_run_ends_and_says_why()
    {
        using var place = new Workplace();
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        Reported run = Reported.Run(
            place, [.. Default, "--env", mark], Guests.Escape("stall"), "others");
        Assert.Equal(137, run.Outcome.Status);
        Assert.Equal("violation", Reported.Text(run.Result, "status"));
        Assert.Contains("memory of task", Reported.Text(run.Result, "reason"));
        Assert.Single(run.Named("result"));
        Assert.Empty(Survivors.Of(mark));
    }

    [NeedsFuseFact]
    public void A_file_server_among_the_guests_that_never_answers_ends_the_run()
    {
        using var place = new Workplace();
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        Directory.CreateDirectory(place.File("mount"));
        Reported run = Reported.Run(
            place, ["-p", "permissive", "--env", mark], Guests.Escape("stallfuse"),
            place.File("mount"));
        Assert.Equal("mapped the file\n", run.Outcome.Out);
        Assert.Equal(137, run.Outcome.Status);
        Assert.Contains("memory of task", Reported.Text(run.Result, "reason"));
        Assert.Empty(Survivors.Of(mark));
    }

    [NeedsUserfaultFact]
    public void Memory_that_a_guest_serves_in_time_is_read_as_natively()
    {
        using var place = new Workplace();
        Outcome native = Shell.Run(place.Path, null, Guests.Escape("stall"), "served");
        Outcome run = Product.Run(place, Default, Guests.Escape("stall"), "served");
        Assert.Equal(native, run);
        Assert.Equal("clone3: done\ncaller 0, bystander 50\n", run.Out);
    }

    [NamespacesFact]
    public void Memory_served_for_user_mode_only_is_a_fault_as_natively()
    {
        using var place = new Workplace();
        Outcome native = Shell.Run(place.Path, null, Guests.Escape("stall"), "user");
        Outcome run = Product.Run(place, ["-q", .. Default], Guests.Escape("stall"), "user");
        Assert.Equal(native, run);
        Assert.True(!WasHad(run) || run.Out == "clone3: EFAULT\ncaller 0, bystander 50\n");
    }

    [Theory]
    [InlineData(1, "its exec event")]
    [InlineData(4, "")]
    public void A_stop_that_was_never_resumed_ends_the_run_and_is_named(int number, string stop)
    {
        using var place = new Workplace();
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        Reported run = Reported.Run(
            place, ["-q", "-p", "permissive", "--env", mark, "--lose-stop", $"{number}"],
            "sh", "-c", "(exit 3); sleep 0.01; (true)");
        Assert.Equal(125, run.Outcome.Status);
        Assert.Matches($"task [0-9]+ was never resumed from .*{stop}\n", run.Outcome.Err);
        Assert.Equal("internal_error", Reported.Text(run.Result, "status"));
        Assert.Empty(Survivors.Of(mark));
    }

    /// <summary>Who may not have such memory natively can stall nobody with it.</summary>
    private static bool WasHad(Outcome outcome)
    {
        bool had = outcome.Status != NotHad;
        Assert.True(had || outcome.Out.Contains("userfaultfd: E", StringComparison.Ordinal));
        return had;
    }
}
