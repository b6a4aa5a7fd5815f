using System;
using System.IO;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// A fixed portion of the proof that stage 1 has the kernel's rules: <c>make fuzz</c> goes on.
/// </summary>
[Collection("engine")]
public sealed class RuleProofTests
{
    private static readonly string Project = Path.Combine(Product.Root, "tests", "fuzz", "RuleFuzz");

    [Fact]
    public void Rules_and_kernel_agree_on_calls_that_are_drawn() => AgreeOn("20261124", "3000");

    [Fact]
    public void The_same_calls_inside_the_sandbox_get_the_same_answers() => AgreeOn(
        "20261125", "3000", "--under", Product.Sandbox, "run", "-q", "-p", "permissive", "--");

    [Fact]
    public void Rules_and_kernel_agree_on_every_call_that_once_was_wrong() =>
        AgreeOn(["--replay", .. File.ReadAllLines(Path.Combine(Project, "regressions.txt"))]);

    private static void AgreeOn(params string[] arguments)
    {
        using var place = new Workplace();
        string prober = place.File("prober");
        Outcome gcc = Shell.Run(
            Project, null, "gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o",
            prober, "prober.c");
        Assert.True(gcc.Status == 0, gcc.Err);
        string fuzz = Path.Combine(Project, "bin", "Debug", "net10.0", "linux-x64", "RuleFuzz");
        Outcome outcome = Shell.Run(place.Path, null, [fuzz, prober, .. arguments]);
        Assert.True(outcome.Status == 0, outcome.ToString());
        Assert.EndsWith(", 0 mismatches\n", outcome.Out, StringComparison.Ordinal);
    }
}
