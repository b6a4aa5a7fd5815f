using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json;

namespace Bench;

/// <summary>
/// Measures the sandbox against native and strace, and writes docs/performance.md and its plot:
/// <c>Bench ROOT [ROUNDS]</c>.
/// </summary>
internal static class Program
{
    private const int DefaultRounds = 11;

    /// <summary>A build takes seconds: so many rounds are a share of the others.</summary>
    private const int BuildShare = 2;

    /// <summary>The operations, with the goals of the budget.</summary>
    private static readonly Case[] Operations =
    [
        new("fork+exit+wait", "fork", 1.30, 1.40),
        new("vfork+exit+wait", "vfork", 2.0, 2.0),
        new("clone3+exit+wait", "clone3", 1.30, 1.40),
        new("fork+exec+wait", "exec", 1.10, 1.25),
        new("posix_spawn+wait", "spawn", null, null),
        new("thread create+join", "thread", null, null),
        new("signal to self", "signal", null, null),
    ];

    private static int Main(string[] args)
    {
        if (args.Length == 0)
        {
            Console.Error.WriteLine("usage: Bench ROOT [ROUNDS]");
            return 2;
        }

        int rounds = args.Length > 1
            ? int.Parse(args[1]) : DefaultRounds;
        var host = new Host(Path.GetFullPath(args[0]));
        Results results = Measure(host, rounds);
        string docs = Path.Combine(host.Root, "docs");
        Report.Write(Path.Combine(docs, "performance.md"), results);
        File.WriteAllText(
            Path.Combine(docs, "performance.svg"), Plot.Draw(results.Operations));
        Console.WriteLine("docs/performance.md and docs/performance.svg are written");
        return 0;
    }

    private static Results Measure(Host host, int rounds)
    {
        string described = Host.Describe();
        var left = new List<string>();
        var inTurn = new Interleaver(rounds, Tell);
        Way native = new("native", Host.Native);
        Way ours = new("ours", host.Ours);
        Way[] ways = [native, new("strace", Host.Strace), ours];
        var operations = new List<Measured>();
        foreach (Case what in Operations)
        {
            operations.Add(inTurn.Micro(host, what, pinned: true, ways));
            operations.Add(inTurn.Micro(host, what, pinned: false, ways));
        }

        Way[] filtered = [native, new("filter", Host.Native), ours];
        Measured getpid = inTurn.Micro(
            host, new("getpid", "getpid", 1.05, null), pinned: true, filtered);
        if (RealProject.Prepare(host, out string why) is { } source)
        {
            var fewer = new Interleaver(Math.Max(rounds / BuildShare, 1), Tell);
            operations.Add(RealProject.Build(fewer, ways, source));
        }
        else
        {
            left.Add($"{RealProject.What.Name}: its source cannot be fetched: {why.Trim()}");
        }

        var startUps = new List<Measured>();
        if (Shell.Has("bwrap"))
        {
            startUps.Add(StartUp.Measure(host, inTurn, pinned: true));
            startUps.Add(StartUp.Measure(host, inTurn, pinned: false));
        }
        else
        {
            left.Add("start-up: bubblewrap is not installed");
        }

        var crowds = new List<Crowd>();
        foreach (int live in Crowd.Sizes)
        {
            crowds.Add(Crowd.Measure(host, inTurn, live));
        }

        var counts = new List<Counts>();
        var stages = new List<(string, JsonElement)>();
        foreach (string operation in Counts.All)
        {
            Tell($"counts of {operation}");
            counts.Add(Counts.Of(host, operation));
            if (operation != "signal")
            {
                const int times = 2000;
                JsonElement result = Counts.Run(host, host.Ours, operation, times);
                stages.Add((operation, result.GetProperty("stages")));
            }
        }

        return new(
            rounds, described, [.. operations], getpid, startUps, crowds, counts, stages, left);
    }

    private static void Tell(string what)
    {
        if (!Console.IsErrorRedirected)
        {
            Console.Error.Write($"\r{what,-60}");
        }
    }
}
