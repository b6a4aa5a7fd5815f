using System;
using System.Globalization;
using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>What the supervisor has given up when the first guest instruction runs.</summary>
[Collection("engine")]
public sealed class ConfinementTests
{
    /// <summary>DAC_OVERRIDE, KILL, SYS_PTRACE, SYS_NICE and SYS_RESOURCE.</summary>
    private const ulong Needed = 1UL << 1 | 1UL << 5 | 1UL << 19 | 1UL << 23 | 1UL << 24;

    [Fact]
    public void Every_thread_of_it_has_a_filter_and_few_capabilities()
    {
        using var place = new Workplace();
        string[] fields = ["CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp"];

        // With events there is a thread more, which began before.
        Reported run = Reported.Run(
            place, ["-q", "-p", "processes"], "sh", "-c", "cat /proc/$PPID/task/*/status");
        (string Name, string Value)[] lines = [.. run.Outcome.Out.Split('\n')
            .Select(l => l.Split(':')).Where(p => fields.Contains(p[0]))
            .Select(p => (p[0], p[1].Trim()))];
        Assert.InRange(lines.Length, 3 * fields.Length, 20 * fields.Length);
        Assert.All(lines, l => Assert.True(
            l.Name == "NoNewPrivs" ? l.Value == "1" : l.Name == "Seccomp" ? l.Value == "2"
                : (ulong.Parse(l.Value, NumberStyles.HexNumber) & ~Needed) == 0,
            $"{l.Name} {l.Value}"));
    }

    [Fact]
    public void The_command_has_the_capabilities_that_the_caller_has()
    {
        Twice.Same(false, "grep", "^Cap", "/proc/self/status");
    }

    [RootFact("only root can become another user")]
    public void What_it_keeps_is_enough_for_guests_that_became_another_user()
    {
        using var place = new Workplace();
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        Outcome run = Product.Run(
            place,
            ["-q", "-p", "permissive", "--verify", "--set", "resources.oom_score_adj=300", "--set",
                "resources.nice=5", "--env", mark],
            "sh", "-c", $"chmod 755 . && cp {Guests.Escape("users")} . && ./users");
        Assert.Equal("nice 5, oom 300\nclone3 done\n", run.Out);
        Assert.Equal(string.Empty, run.Err);
        Assert.Equal(0, run.Status);
        Assert.Empty(Survivors.Of(mark));
    }
}
