using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;

namespace Bench;

/// <summary>Everything of one run; what was not asked for is empty.</summary>
internal sealed record Results(int Rounds, string Host)
{
    public List<Measured> Operations { get; } = [];

    public Measured? GetPid { get; set; }

    public List<Measured> StartUps { get; } = [];

    /// <summary>The steps of a launch, in nanoseconds.</summary>
    public List<(string Name, Sample Nanoseconds)> Steps { get; } = [];

    /// <summary>What a group costs: "native" is without, "ours" is with one.</summary>
    public List<Measured> Groups { get; } = [];

    /// <summary>A run beside others.</summary>
    public List<Measured> Neighbours { get; } = [];

    public List<Crowd> Crowds { get; } = [];

    public List<Counts> Counts { get; } = [];

    public List<(string Operation, JsonElement Stages)> Stages { get; } = [];

    /// <summary>What could not be measured, and why.</summary>
    public List<string> Left { get; } = [];
}

/// <summary>The tables of docs/performance.md, between two marks; the prose stays.</summary>
internal static class Report
{
    private const string Begin = "<!-- measured: make bench writes what is between -->";
    private const string End = "<!-- end of what was measured -->";

    public static void Write(string path, Results results)
    {
        string text = File.ReadAllText(path);
        int begin = text.IndexOf(Begin, StringComparison.Ordinal);
        int end = text.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin)
        {
            throw new InvalidOperationException($"{path} has not the two marks");
        }

        string tables = Tables(results);
        File.WriteAllText(path, $"{text[..begin]}{Begin}\n\n{tables}{text[end..]}");
    }

    public static string Tables(Results results)
    {
        var text = new StringBuilder();
        text.Append(
            $"{results.Host}; {results.Rounds} x all ways in turn; median (p10-p90).\n\n");
        Operations(text, results);
        StartUps(text, results.StartUps);
        Steps(text, results.Steps);
        Groups(text, results.Groups);
        Neighbours(text, results.Neighbours);
        Crowds(text, results.Crowds);
        CountTable(text, results.Counts);
        Stages(text, results.Stages);
        foreach (string left in results.Left)
        {
            text.Append($"Not measured: {left}\n\n");
        }

        return text.ToString();
    }

    private static void Operations(StringBuilder text, Results results)
    {
        if (results.Operations.Count == 0 && results.GetPid is null)
        {
            return;
        }

        text.Append("![Ratios to native, with their spread](performance.svg)\n\n");
        text.Append("| operation | CPUs | native µs | strace | **sandbox** | goal | reached |\n"
            + "|---|---|---|---|---|---|---|\n");
        foreach (Measured one in results.Operations)
        {
            text.Append(
                $"| {one.Case.Name} | {(one.IsPinned ? "one" : "free")} "
                + $"| {Micro(one.Nanoseconds["native"])} | {Spread(one.Ratio("strace"))} "
                + $"| **{Spread(one.Ratio("ours"))}** | {Goal(one.Goal, one.Ratio("ours"))} |\n");
        }

        if (results.GetPid is { } getpid)
        {
            text.Append(
                $"| getpid, to a filter of one instruction | one "
                + $"| {Micro(getpid.Nanoseconds["native"])} "
                + $"| | **{Spread(getpid.Ratio("ours", "filter"))}** "
                + $"| {Goal(getpid.Goal, getpid.Ratio("ours", "filter"))} |\n");
        }

        text.Append('\n');
    }

    private static void StartUps(StringBuilder text, List<Measured> startUps)
    {
        if (startUps.Count == 0)
        {
            return;
        }

        text.Append("| start to end of `true` | CPUs | ms | to bwrap | goal | reached |\n"
            + "|---|---|---|---|---|---|\n");
        foreach (Measured one in startUps)
        {
            foreach ((string way, Sample nanoseconds) in one.Nanoseconds)
            {
                Sample ratio = one.Ratio(way, "bwrap");
                string goal = way == StartUp.Ours ? Goal(one.Goal, ratio) : "|";
                text.Append(
                $"| {way} | {(one.IsPinned ? "one" : "free")} "
                    + $"| {nanoseconds.Median / 1e6:F2} | {Spread(ratio)} | {goal} |\n");
            }
        }

        text.Append('\n');
    }

    private static void Steps(
        StringBuilder text, List<(string Name, Sample Nanoseconds)> steps)
    {
        if (steps.Count == 0)
        {
            return;
        }

        text.Append("| part of a launch, µs | median | p10 | p90 |\n|---|---|---|---|\n");
        foreach ((string name, Sample of) in steps)
        {
            text.Append(
                $"| {name} | {of.Median / 1e3:F0} | {of.P10 / 1e3:F0} | {of.P90 / 1e3:F0} |\n");
        }

        text.Append('\n');
    }

    private static void Groups(StringBuilder text, List<Measured> groups)
    {
        if (groups.Count == 0)
        {
            return;
        }

        text.Append("| with `resources.memory=2G`, to without | without µs | with µs | ratio |\n"
            + "|---|---|---|---|\n");
        foreach (Measured one in groups)
        {
            text.Append(
                $"| {one.Case.Name} | {Micro(one.Nanoseconds["native"])} "
                + $"| {Micro(one.Nanoseconds["ours"])} | {Spread(one.Ratio("ours"))} |\n");
        }

        text.Append('\n');
    }

    private static void Neighbours(StringBuilder text, List<Measured> neighbours)
    {
        if (neighbours.Count == 0)
        {
            return;
        }

        text.Append("| what a run gets done, fork+exec+wait, beside | of what it does alone | "
            + "the other under limits |\n|---|---|---|\n");
        foreach (Measured one in neighbours)
        {
            text.Append($"| {one.Case.Name}");
            foreach (string way in one.Nanoseconds.Keys.Where(k => k != Limits.Alone))
            {
                text.Append($" | {Spread(one.Ratio(Limits.Alone, way))}");
            }

            text.Append(" |\n");
        }

        text.Append('\n');
    }

    private static void Crowds(StringBuilder text, List<Crowd> crowds)
    {
        if (crowds.Count == 0)
        {
            return;
        }

        text.Append("| vfork among idle tasks | native µs | sandbox µs | ratio | "
            + "supervisor's peak MB |\n|---|---|---|---|---|\n");
        foreach (Crowd crowd in crowds)
        {
            text.Append(crowd.Measured is { } one
                ? $"| {crowd.Live:N0} | {Micro(one.Nanoseconds["native"])} "
                    + $"| {Micro(one.Nanoseconds["ours"])} | {Spread(one.Ratio("ours"))} "
                    + $"| {crowd.PeakMemory / 1e6:F1} |\n"
                : $"| {crowd.Live:N0} | not reachable: {crowd.Why} | | | |\n");
        }

        text.Append('\n');
    }

    private static void CountTable(StringBuilder text, List<Counts> counts)
    {
        if (counts.Count == 0)
        {
            return;
        }

        text.Append("| of the supervisor, for one | system calls | stops | context switches "
            + "| CPU µs | bytes allocated |\n|---|---|---|---|---|---|\n");
        foreach (Counts one in counts)
        {
            text.Append(
                $"| {one.Operation} | {one.Calls:F1} | {one.Stops:F1} | {one.Switches:F1} "
                + $"| {one.Microseconds:F0} | {one.Allocated:F0} |\n");
        }

        text.Append('\n');
    }

    private static void Stages(
        StringBuilder text, List<(string Operation, JsonElement Stages)> operations)
    {
        if (operations.Count == 0)
        {
            return;
        }

        string[] names = [.. operations[0].Stages.EnumerateObject().Select(s => s.Name)];
        text.Append("| p50 / p99 µs of | ").AppendJoin(" | ", names).Append(" |\n|---|");
        text.Append(string.Concat(names.Select(_ => "---|"))).Append('\n');
        foreach ((string operation, JsonElement stages) in operations)
        {
            text.Append($"| {operation} |");
            foreach (string name in names)
            {
                JsonElement stage = stages.GetProperty(name);
                text.Append(
                $" {stage.GetProperty("p50_ns").GetInt64() / 1e3:F1} / "
                    + $"{stage.GetProperty("p99_ns").GetInt64() / 1e3:F1} |");
            }

            text.Append('\n');
        }

        text.Append('\n');
    }

    private static string Micro(Sample nanoseconds) =>
        (nanoseconds.Median / 1e3).ToString("F1");

    private static string Spread(Sample ratio) =>
        $"{ratio.Median:F2} ({ratio.P10:F2}-{ratio.P90:F2})";

    private static string Goal(double? goal, Sample ratio) => goal is not { } most ? "report |"
        : $"≤ {most:F2} | {(ratio.Median <= most ? "yes" : "no")}";
}
