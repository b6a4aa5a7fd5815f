using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json;

namespace Bench;

/// <summary>One creation among many tasks that live and do nothing.</summary>
/// <param name="Live">How many there are.</param>
/// <param name="Measured">Its cost; null when the host does not let so many be.</param>
/// <param name="Why">Why not.</param>
/// <param name="PeakMemory">The most memory that the supervisor had, in bytes.</param>
internal sealed record Crowd(int Live, Measured? Measured, string Why, long PeakMemory)
{
    public static IReadOnlyList<int> Sizes { get; } = [10, 1000, 10_000];

    public static Crowd Measure(Host host, Interleaver inTurn, int live)
    {
        // The idle tasks share memory, which the policy 'default' does not allow.
        string[] ours = host.Under("build");
        Way[] ways = [new("native", Host.Native), new("ours", ours)];
        var what = new Case($"vfork among {live:N0}", "vfork", null, null);
        try
        {
            Measured measured = inTurn.Micro(host, what, pinned: true, ways, live);
            JsonElement use = Counts.Run(host, ours, "vfork", 1, live).GetProperty("supervisor");
            return new(live, measured, "", use.GetProperty("peak_memory").GetInt64());
        }
        catch (InvalidOperationException e)
        {
            string limits = string.Join(", ", Read("/proc/sys/kernel/pid_max", "pid_max"),
                Read("/proc/sys/kernel/threads-max", "threads-max"));
            return new(live, null, $"{e.Message.Trim().Split('\n')[^1]} ({limits})", 0);
        }
    }

    private static string Read(string path, string name) =>
        $"{name} {File.ReadAllText(path).Trim()}";
}
