using System;
using System.Collections.Generic;
using System.IO;
using System.Text.RegularExpressions;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// A group that cannot be made, limited, opened or entered: each step of it fails once, and for
/// reasons of the kernel's own.
/// </summary>
[Collection("engine")]
public sealed partial class PlacementTests
{
    /// <summary>Of guests/meddle.c: the command had fewer steps.</summary>
    private const int Fewer = 200;

    private const int MostSteps = 60;

    private static readonly string[] Limits =
        ["--set", "resources.memory=64M", "--set", "resources.cpu=1"];

    [NeedsCgroupFact]
    public void Each_step_that_fails_is_named_and_leaves_nothing()
    {
        SweepWith("EPERM", 1);
        SweepWith("ENOSPC", 28);
        SweepWith("EBUSY", 16);
    }

    private static void SweepWith(string errno, int number)
    {
        var said = new List<string>();
        foreach (Outcome run in Sweep("fail", $"{number}", "processes"))
        {
            Assert.True(run is { Status: 125, Out: "" }, run.ToString());
            string line = Assert.Single(run.Err.Trim().Split('\n')[1..]);
            Assert.Contains($": {errno} (", line, StringComparison.Ordinal);
            said.Add(Step().Match(line).Groups[1].Value);
        }

        string[] steps = ["cannot mkdir", "cannot open", "cannot lock", "cannot write", "clone of"];
        Assert.All(steps, step => Assert.Contains(step, said));
        Assert.Equal("clone of", said[^1]);
    }

    /// <summary>Somebody removes the group at each moment: it is made again, or its loss is named.</summary>
    [NeedsCgroupFact]
    public void A_group_that_goes_away_while_it_is_made_is_made_again_or_missed()
    {
        int ran = 0;
        int missed = 0;
        foreach (string policy in new[] { "processes", "build" })
        {
            foreach (Outcome run in Sweep("do", "rmdir \"$1\" 2>/dev/null", policy))
            {
                bool runs = run is { Status: 0, Out: "ran\n" };
                Assert.True(runs || run is { Status: 125, Out: "" }, run.ToString());
                Assert.True(
                    runs || (run.Err.Contains("sandbox: write 0 to /", StringComparison.Ordinal)
                        && run.Err.Contains("somebody removed the group meanwhile", StringComparison.Ordinal)),
                    run.ToString());
                (ran, missed) = (ran + (runs ? 1 : 0), missed + (runs ? 0 : 1));
            }
        }

        Assert.True(ran > 0 && missed > 0, $"{ran} ran, {missed} did not");
    }

    /// <summary>What the task itself does to come in; there is a step for each hierarchy.</summary>
    [NeedsCgroupFact]
    public void A_task_that_does_not_come_in_is_a_failed_launch()
    {
        using var place = new Workplace();
        foreach (string policy in new[] { "processes", "build" })
        {
            Outcome run = Product.Run(
                place, ["-p", policy, .. Limits, "--fail-launch-step", "2:EACCES"], "echo", "ran");
            Assert.Equal((125, ""), (run.Status, run.Out));
            Assert.StartsWith("sandbox: write 0 to /sys/fs/cgroup/", run.Err, StringComparison.Ordinal);
            Assert.Contains("/cgroup.procs: EACCES (", run.Err, StringComparison.Ordinal);
            NothingLeft();
        }
    }

    /// <summary>Version 1 with groups of real-time tasks: sched_rt_can_attach.</summary>
    [NeedsCgroupFact("chrt")]
    public void A_real_time_task_that_a_group_does_not_take_is_told_what_to_do()
    {
        using var place = new Workplace();
        bool takes = !File.Exists("/sys/fs/cgroup/cpu/cpu.rt_runtime_us");
        Outcome run = Shell.Run(
            place.Path, null, "chrt", "-f", "1", Product.Sandbox, "run", "-q", "-p", "processes", "--set",
            "resources.cpu=1", "--", "echo", "ran");
        Assert.Equal(takes ? (0, "ran\n") : (125, ""), (run.Status, run.Out));
        Assert.Equal(takes, run.Err.Length == 0);
        Assert.True(takes || run.Err.Contains("'chrt -o 0'", StringComparison.Ordinal), run.ToString());
        NothingLeft();
    }

    [RootFact]
    public void Who_may_not_make_a_group_is_told_so()
    {
        using var place = new Workplace();
        Outcome run = Shell.Run(
            place.Path, null,
            [
                "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", Product.Sandbox, "run", "-q",
                "-p", "processes", .. Limits, "--", "echo", "ran",
            ]);
        Assert.Equal((125, ""), (run.Status, run.Out));
        Assert.Contains("EACCES (Permission denied); run it as root, or in a scope", run.Err, StringComparison.Ordinal);
        NothingLeft();
    }

    /// <summary>
    /// While the first task is in the memory of the supervisor, its end for lack of memory would
    /// be the supervisor's.
    /// </summary>
    [NeedsCgroupFact]
    public void A_limit_that_no_program_starts_under_ends_the_command_and_not_the_supervisor()
    {
        foreach (string policy in new[] { "processes", "build" })
        {
            foreach (string memory in new[] { "1K", "60K", "250K" })
            {
                using var place = new Workplace();
                Reported run = Reported.Run(
                    place, ["-p", policy, "--set", $"resources.memory={memory}"], "python3", "-c", "print('ran')");
                Assert.True(run.Outcome is { Status: 125 or 137, Out: "" }, run.Outcome.ToString());
                Assert.Contains("resources.memory", Reported.Text(run.Result, "reason"), StringComparison.Ordinal);
                NothingLeft();
            }
        }
    }

    private static IEnumerable<Outcome> Sweep(string how, string what, string policy)
    {
        using var place = new Workplace();
        for (int step = 1; step < MostSteps; step++)
        {
            Outcome run = Shell.Run(
                place.Path, null,
                [
                    Guests.Path("meddle"), $"{step}", how, what, Product.Sandbox, "run", "-q", "-p", policy, .. Limits,
                    "--", "echo", "ran",
                ]);
            NothingLeft();
            if (run.Status == Fewer)
            {
                Assert.Equal("ran\n", run.Out);
                yield break;
            }

            yield return run;
        }

        Assert.Fail($"more than {MostSteps} steps");
    }

    private static void NothingLeft() => Assert.All(
        NeedsCgroupFactAttribute.Places()!,
        place => Assert.Empty(Directory.GetDirectories(place, "sandbox-*", SearchOption.AllDirectories)));

    [GeneratedRegex("^sandbox: (?:resources\\.[a-z_]+: )?([a-z]+ [a-z]+) ")]
    private static partial Regex Step();
}
