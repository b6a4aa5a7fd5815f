using System;
using System.Text.Json;
using Conformance.Harness;

namespace Conformance;

/// <summary><c>on_violation: kill</c> ends the run, and only what the policy denies does.</summary>
[Collection("programs")]
public sealed class ViolationTests
{
    private const string Kill = "creation.on_violation=kill";

    [Theory]
    [InlineData("raw", "-p processes --set creation.deny.CLONE_FILES=EPERM")]
    [InlineData("flood", "-p processes")]
    [InlineData("libc", "-p processes --set creation.entry.vfork=ENOSYS")]
    [InlineData("namespaces", "-p processes")]
    public void A_denied_request_ends_the_run(string question, string options)
    {
        using var place = new Workplace();
        Reported run = Reported.Run(
            place, [.. options.Split(' '), "--set", Kill], "sh", "-c",
            $"{Guests.Path("verdicts")} {question}; echo survived");
        Assert.Equal(137, run.Outcome.Status);
        Assert.Equal("violation", Reported.Text(run.Result, "status"));
        Assert.Equal(137, run.Result.GetProperty("exit_code").GetInt32());
        Assert.Contains("creation.", Reported.Text(run.Result, "reason"), StringComparison.Ordinal);
        Assert.DoesNotContain("survived", run.Outcome.Out, StringComparison.Ordinal);
        Assert.Contains("was denied by creation.", run.Outcome.Err, StringComparison.Ordinal);
    }

    [Fact]
    public void A_violation_ends_daemons_and_ignores_wait()
    {
        using var place = new Workplace();
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        Outcome run = Product.Run(
            place, ["-q", "-p", "processes", "--set", Kill, "--wait", "--env", mark], "sh", "-c",
            $"setsid sh -c 'sleep 300 & echo $$ > {FifoOf(place)}; wait' & read x < fifo; "
            + $"{Guests.Path("verdicts")} flood & wait; sleep 300");
        Assert.Equal(137, run.Status);
        Assert.Empty(Survivors.Of(mark));
    }

    [Fact]
    public void Limits_are_no_violation()
    {
        using var place = new Workplace();
        Reported run = Reported.Run(
            place, ["-q", "-p", "processes", "--set", Kill, "--set", "creation.limits.tasks=1"],
            Guests.Path("verdicts"), "libc");
        Assert.Equal(0, run.Outcome.Status);
        Assert.Equal("exited", Reported.Text(run.Result, "status"));
        Assert.Contains("fork: EAGAIN\n", run.Outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_kernel_itself_refuses_is_no_violation()
    {
        using var place = new Workplace();
        Reported run = Reported.Run(
            place, ["-q", "-p", "permissive", "--set", "creation.deny.CLONE_INTO_CGROUP=EPERM", "--set", Kill],
            Guests.Path("verdicts"), "raw");
        Assert.Equal(0, run.Outcome.Status);
        Assert.Contains("sighand alone: EINVAL EINVAL\n", run.Outcome.Out, StringComparison.Ordinal);
        Assert.Contains("mount and fs: EINVAL EINVAL\n", run.Outcome.Out, StringComparison.Ordinal);
        Assert.Equal("exited", Reported.Text(run.Result, "status"));
    }

    [Fact]
    public void Without_it_the_guest_goes_on()
    {
        using var place = new Workplace();
        Reported run = Reported.Run(place, ["-q", "-p", "processes"], Guests.Path("verdicts"), "flood", "3");
        Assert.Equal("denied 3\n", run.Outcome.Out);
        JsonElement[] denied = run.Named("denied");
        Assert.Equal(3, Assert.Single(denied).GetProperty("count").GetInt32());
    }

    /// <summary>A FIFO that gives a line when the daemon has written to it.</summary>
    private static string FifoOf(Workplace place)
    {
        string path = place.File("fifo");
        Assert.Equal(0, Shell.Run(place.Path, null, "mkfifo", path).Status);
        return path;
    }
}
