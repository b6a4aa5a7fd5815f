using System;
using System.Collections.Generic;

namespace Bench;

/// <summary>A way to run a command: a name and what stands before it.</summary>
internal sealed record Way(string Name, string[] Prefix);

/// <summary>What is measured: an operation, the goals, and how it is run.</summary>
/// <param name="Name">Its name in tables.</param>
/// <param name="Operation">The operation of micro.c.</param>
/// <param name="Pinned">The goal as a ratio on one CPU; null where it is only reported.</param>
/// <param name="Free">The goal when free to migrate.</param>
internal sealed record Case(string Name, string Operation, double? Pinned, double? Free);

/// <summary>The rounds of one case: nanoseconds of each way, and their ratios.</summary>
internal sealed record Measured(
    Case Case, bool IsPinned, IReadOnlyDictionary<string, Sample> Nanoseconds)
{
    public double? Goal => IsPinned ? Case.Pinned : Case.Free;

    public Sample Ratio(string way, string to = "native") =>
        Nanoseconds[way].Over(Nanoseconds[to]);
}

/// <summary>
/// Runs all ways of a case in turn, round by round: whatever slows the machine for a while slows
/// them all, and the ratio of one round is of runs that are next to each other.
/// </summary>
internal sealed class Interleaver(int rounds, Action<string> tell)
{
    private const double RunNanoseconds = 60e6;
    private const int FewestTimes = 20;
    private const int MostTimes = 200_000;

    public int Rounds => rounds;

    /// <summary>Measures an operation of micro.c.</summary>
    public Measured Micro(Host host, Case what, bool pinned, IReadOnlyList<Way> ways, int live = 0)
    {
        string[] pin = pinned ? ["taskset", "-c", "0"] : [];
        double once = Once(host, [.. pin], what.Operation, FewestTimes, live);
        int times = (int)Math.Clamp(RunNanoseconds / once, FewestTimes, MostTimes);
        return new(what, pinned, InTurn(what.Name, ways, way =>
            Once(host, [.. pin, .. way.Prefix], Operation(what, way), times, live)));
    }

    /// <summary>Runs all ways in turn; who begins changes from round to round.</summary>
    public Dictionary<string, Sample> InTurn(
        string name, IReadOnlyList<Way> ways, Func<Way, double> once)
    {
        var values = new Dictionary<string, List<double>>();
        foreach (Way way in ways)
        {
            values[way.Name] = [];
        }

        for (int round = 0; round < rounds; round++)
        {
            tell($"{name}: round {round + 1} of {rounds}");
            for (int i = 0; i < ways.Count; i++)
            {
                Way way = ways[(round + i) % ways.Count];
                values[way.Name].Add(once(way));
            }
        }

        var samples = new Dictionary<string, Sample>();
        foreach ((string way, List<double> of) in values)
        {
            samples[way] = new(of);
        }

        return samples;
    }

    /// <summary>The base of getpid is a filter of one instruction, which micro.c brings.</summary>
    private static string Operation(Case what, Way way) =>
        way.Name == "filter" ? what.Operation + "-filtered" : what.Operation;

    private static double Once(
        Host host, string[] prefix, string operation, int times, int live)
    {
        string output = Shell.Must(
            host.Work, [.. prefix, host.Micro, operation, $"{times}", $"{live}"]);
        return double.Parse(output);
    }
}
