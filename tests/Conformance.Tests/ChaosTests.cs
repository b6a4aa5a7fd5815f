using System;
using System.IO;
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
    private const int MostMemory = 64 << 10;
    private const int MostGrowth = 8 << 10;
    private const int MostDescriptors = 16;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Seeds and policies; the seed of CHAOS_SEED takes the place of the first.</summary>
    public static TheoryData<int, string> Draws()
    {
        string? asked = Environment.GetEnvironmentVariable("CHAOS_SEED");
        int first = int.TryParse(asked, out int seed) ? seed : 1;
        return new()
        {
            { first, "permissive" }, { 2, "processes" }, { 3, "build" }, { 4, "permissive" },
            { 5, "default" },
        };
    }

    [Theory]
    [MemberData(nameof(Draws))]
    public async Task Whatever_tasks_do_to_each_other_the_run_ends_as_it_does_natively(
        int seed, string policy)
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
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        string result = place.File("result");
        Sampled run = Sampled.Run(
            place.Path, Patience,
            supervisor => outside = Task.Run(() => Shell.Run(
                place.Path, null, Guests.Path("chaos"), "disturb", $"{supervisor}", $"{seed}")),
            [Product.Sandbox, "run", "-q", "-p", policy, "--verify", "--timeout", "50s", "--set",
                $"creation.limits.tasks={MostTasks}", "--env", mark, "--result", result, "--",
                .. command]);
        Assert.Equal("disturbed 1\n", (await outside!).Out);
        Assert.True(run.Outcome == native, $"{told}: {run.Outcome}");
        JsonElement json = JsonDocument.Parse(File.ReadAllText(result)).RootElement;
        Assert.True(Reported.Text(json, "status") == "exited", $"{told}: {json}");
        JsonElement tasks = json.GetProperty("tasks");
        Assert.InRange(tasks.GetProperty("peak").GetInt32(), 2, MostTasks);
        Assert.True(tasks.GetProperty("killed_at_end").GetInt32() == 0, $"{told}: {json}");
        Assert.Empty(Survivors.Of(mark));
        Assert.All(run.Memory, m => Assert.InRange(m, 1, MostMemory));
        Assert.All(run.Descriptors, d => Assert.InRange(d, 0, MostDescriptors));
        Assert.True(run.Growth < MostGrowth, $"grew by {run.Growth} KiB: {told}");
    }
}
