using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// Tasks that create, kill, stop and continue each other at random, while somebody outside stops
/// the supervisor wherever it stands, and does the same to what then stands between two stages.
/// </summary>
/// <remarks>
/// CHAOS_SEED runs another seed first; a failure names its own. What a task draws follows from
/// the seed, how tasks interleave does not.
/// </remarks>
[Collection("stress")]
public sealed class ChaosTests
{
    private const int Rounds = 2;
    private const int MostTasks = 100;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Seeds, policies and a further limit; the seed of CHAOS_SEED takes the place of the first.
    /// </summary>
    public static TheoryData<int, string, string> Draws()
    {
        string? asked = Environment.GetEnvironmentVariable("CHAOS_SEED");
        int first = int.TryParse(asked, out int seed) ? seed : 1;
        return new()
        {
            { first, "permissive", string.Empty }, { 2, "processes", string.Empty },
            { 3, "build", string.Empty }, { 4, "permissive", "creation.namespaces.user.max=2" },
            { 5, "default", string.Empty },
        };
    }

    [Theory]
    [MemberData(nameof(Draws))]
    public async Task Whatever_tasks_do_to_each_other_the_run_ends_as_it_does_natively(
        int seed, string policy, string limit)
    {
        using var place = new Workplace();
        string guest = place.File("chaos");
        File.Copy(Guests.Path("chaos"), guest);
        File.SetUnixFileMode(place.Path, (UnixFileMode)0x1ED);
        string[] command = [guest, $"{seed}", $"{Rounds}"];
        string told = $"CHAOS_SEED={seed} under {policy}";
        Outcome native = Shell.Run(place.Path, null, command);
        Assert.True(native.Status == 7, $"natively, {told}: {native}");

        Task<Outcome>? outside = null;
        string[] limits = limit.Length == 0 ? [] : ["--set", limit];
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        string result = place.File("result");
        Sampled run = Sampled.Run(
            place.Path, Patience,
            supervisor => outside = Task.Run(() => Shell.Run(
                place.Path, null, Guests.Path("chaos"), "disturb", $"{supervisor}", $"{seed}")),
            [Product.Sandbox, "run", "-q", "-p", policy, "--verify", "--timeout", "50s", "--set",
                $"creation.limits.tasks={MostTasks}", .. limits, "--env", mark, "--result", result,
                "--events", place.File("events"), "--", .. command]);
        Assert.Equal("disturbed 1\n", (await outside!).Out);
        Assert.True(run.Outcome == native, $"{told}: {run.Outcome}");
        JsonElement json = JsonDocument.Parse(File.ReadAllText(result)).RootElement;
        Assert.True(Reported.Text(json, "status") == "exited", $"{told}: {json}");
        JsonElement tasks = json.GetProperty("tasks");
        Assert.InRange(tasks.GetProperty("peak").GetInt32(), 2, MostTasks);
        Assert.True(tasks.GetProperty("killed_at_end").GetInt32() == 0, $"{told}: {json}");
        Assert.Empty(Survivors.Of(mark));
        run.AssertFlat(told);

        // Whatever became of caller and child, each creation came to one end.
        int[] ids = [.. Reported.Lines(place.File("events"))
            .Where(e => Reported.Text(e, "event") == "clone")
            .Select(e => e.GetProperty("id").GetInt32()).Order()];
        Assert.Equal(Enumerable.Range(1, ids.Length), ids);
    }
}
