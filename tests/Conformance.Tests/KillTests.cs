using System;
using System.Diagnostics;
using System.IO;
using System.Threading;
using Conformance.Harness;

namespace Conformance;

/// <summary>However the supervisor ends, no guest outlives it.</summary>
[Collection("engine")]
public sealed class KillTests
{
    private const string Busy = """
        fork() { while :; do (:) & (exec true) & wait; done; }
        fork & fork & setsid sh -c 'sleep 300 & while :; do sleep 0.01; done' & wait
        """;

    [Fact]
    public void Kill_of_the_supervisor_at_any_moment_leaves_no_guest()
    {
        var random = new Random(20260101);
        using var place = new Workplace();
        for (int round = 0; round < 40; round++)
        {
            string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
            using Process run = Shell.Start(
                place.Path, Product.Sandbox, "run", "-q", "-p", "permissive", "--env", mark, "--",
                "sh", "-c", Busy);
            Thread.Sleep(random.Next(0, 60));
            run.Kill();
            run.WaitForExit();
            Assert.Empty(Survivors.Of(mark));
        }
    }

    [Fact]
    public void What_a_command_leaves_running_ends_with_it()
    {
        using var place = new Workplace();
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        string daemon = "(setsid sh -c 'sleep 0.5; echo late >> out; sleep 0.1' >/dev/null 2>&1 &); echo now >> out";
        Outcome killed = Product.Run(
            place, [.. Twice.Permissive, "--env", mark], "sh", "-c", daemon);
        Assert.Equal(0, killed.Status);
        Assert.Empty(Survivors.Of(mark));
        Assert.Equal("now\n", File.ReadAllText(place.File("out")));
        Outcome waited = Product.Run(
            place, [.. Twice.Permissive, "--wait"], "sh", "-c", daemon + "; exit 5");
        Assert.Equal(5, waited.Status);
        Assert.Equal("now\nnow\nlate\n", File.ReadAllText(place.File("out")));
    }

    [Fact]
    public void A_time_out_ends_all_and_says_124()
    {
        using var place = new Workplace();
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        Outcome outcome = Product.Run(
            place, ["-p", "permissive", "--timeout", "300ms", "--env", mark],
            "sh", "-c", "trap '' TERM; sleep 100 & sleep 100");
        Assert.Equal(124, outcome.Status);
        Assert.Contains("time-out", outcome.Err, StringComparison.Ordinal);
        Assert.Empty(Survivors.Of(mark));
    }

    [Fact]
    public void A_busy_guest_cannot_put_its_time_out_off()
    {
        using var place = new Workplace();
        Outcome outcome = Product.Run(
            place, ["-q", "-p", "permissive", "--timeout", "500ms"], "sh", "-c",
            "while :; do (:); done & while :; do (:); done");
        Assert.Equal(124, outcome.Status);
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    [InlineData("HUP")]
    [InlineData("USR1")]
    public void Signals_to_the_supervisor_reach_the_command(string signal)
    {
        using var place = new Workplace();
        using Process run = Shell.Start(
            place.Path, Product.Sandbox, "run", "-q", "-p", "permissive", "--", "sh", "-c",
            $"trap 'echo got; exit 9' {signal}; echo ready; while :; do sleep 0.05; done");
        Assert.Equal("ready", run.StandardOutput.ReadLine());
        Shell.Run(place.Path, null, "kill", $"-{signal}", $"{run.Id}");
        Assert.True(run.WaitForExit(Shell.Patience));
        Assert.Equal("got\n", run.StandardOutput.ReadToEnd());
        Assert.Equal(9, run.ExitCode);
    }
}
