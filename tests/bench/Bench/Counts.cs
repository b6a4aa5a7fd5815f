using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json;

namespace Bench;

/// <summary>
/// What the supervisor does for one operation, as counts: they say the same on a busy machine.
/// Each is the difference between a long and a short run, so that start and end are left out.
/// </summary>
internal sealed record Counts(
    string Operation, double Calls, double Stops, double Switches, double Microseconds,
    double Allocated)
{
    private const int Short = 200;
    private const int Long = 2200;

    /// <summary>micro.c makes a tenth more to warm up.</summary>
    private const double Operations = (Long - Short) * 1.1;

    public static IReadOnlyList<string> All { get; } =
        ["fork", "vfork", "clone3", "exec", "spawn", "thread", "signal"];

    public static Counts Of(Host host, string operation)
    {
        JsonElement few = Run(host, host.Ours, operation, Short).GetProperty("supervisor");
        JsonElement many = Run(host, host.Ours, operation, Long).GetProperty("supervisor");
        double Each(string name) =>
            (many.GetProperty(name).GetInt64() - few.GetProperty(name).GetInt64()) / Operations;
        double calls = (SystemCalls(host, operation, Long) - SystemCalls(host, operation, Short))
            / Operations;
        return new(
            operation, calls, Each("stops"), Each("context_switches"), Each("cpu_ns") / 1e3,
            Each("allocated"));
    }

    /// <summary>What <c>--result</c> says of a run of an operation.</summary>
    public static JsonElement Run(
        Host host, string[] ours, string operation, int times, int live = 0)
    {
        string result = Path.Combine(host.Work, "result.json");
        Shell.Must(
            host.Work,
            [
                .. ours[..^1], "--result", result, "--", host.Micro, operation, $"{times}",
                $"{live}",
            ]);
        return JsonDocument.Parse(File.ReadAllText(result)).RootElement;
    }

    /// <summary>All system calls of the supervisor's tracing thread in one run.</summary>
    private static long SystemCalls(Host host, string operation, int times)
    {
        string table = Path.Combine(host.Work, "calls");
        Shell.Must(
            host.Work,
            ["strace", "-c", "-o", table, .. host.Ours, host.Micro, operation, $"{times}"]);
        string[] last = File.ReadAllLines(table)[^1].Split(
            ' ', StringSplitOptions.RemoveEmptyEntries);
        return last[^1] == "total" && long.TryParse(last[3], out long calls) ? calls
            : throw new InvalidOperationException("strace -c gave no total");
    }
}
