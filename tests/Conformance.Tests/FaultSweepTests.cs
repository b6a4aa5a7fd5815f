using System.Collections.Generic;
using System.IO;
using System.Text.Json;
using Conformance.Harness;

namespace Conformance;

/// <summary>Each step before the commit fails once, for every way to create a task.</summary>
[Collection("engine")]
public sealed class FaultSweepTests
{
    private const int FewestSteps = 4;
    private const int MostSteps = 40;

    /// <summary>A policy under which a creation has every step that there is.</summary>
    private static readonly string[] Everything =
    [
        "--set", "resources.oom_score_adj=0",
        "--set", "creation.require=CLONE_NEWUSER,CLONE_NEWNET",
        "--set", "creation.namespaces.user.map=caller",
        "--set", "creation.namespaces.net.loopback=up",
    ];

    [Theory]
    [InlineData("fork", "EAGAIN", 11)]
    [InlineData("vfork", "ENOMEM", 12)]
    [InlineData("clone", "ENOSPC", 28)]
    [InlineData("clone3", "EAGAIN", 11)]
    [InlineData("thread", "ENOMEM", 12)]
    [InlineData("thread3", "EPERM", 1)]
    public void A_failed_step_leaves_no_trace(string entry, string errno, int number)
    {
        string guest = Guests.Path("faultprobe");
        int step = 0;
        var steps = new HashSet<string>();
        string said;
        do
        {
            step++;
            said = Probe(guest, entry, $"{step}:{errno}", number, steps);
        }
        while (said == "denied\n" && step < MostSteps);

        Assert.Equal("created\n", said);
        Assert.InRange(step, FewestSteps + 1, MostSteps);
        Assert.Superset(new HashSet<string> { "namespaces", "resources", "last checks" }, steps);
    }

    private static string Probe(
        string guest, string entry, string fault, int errno, HashSet<string> steps)
    {
        using var place = new Workplace();
        string result = place.File("result");
        Outcome outcome = Product.Run(
            place,
            ["-q", "-p", "permissive", .. Everything, "--verify", "--fail-step", fault,
                "--result", result, "--events", place.File("events")],
            guest, entry, $"{errno}");
        Assert.True(outcome.Status == 0, outcome.ToString());
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(result));
        JsonElement tasks = json.RootElement.GetProperty("tasks");
        bool denied = outcome.Out == "denied\n";
        foreach (string line in File.ReadLines(place.File("events")))
        {
            using JsonDocument said = JsonDocument.Parse(line);
            if (said.RootElement.TryGetProperty("rule", out JsonElement rule)
                && rule.TryGetProperty("setup", out JsonElement step))
            {
                steps.Add(step.GetString()!);
            }
        }

        Assert.Equal(denied ? 1 : 2, tasks.GetProperty("created").GetInt32());
        Assert.Equal(denied ? 1 : 0, tasks.GetProperty("denied").GetInt32());
        return outcome.Out;
    }
}
