using System;
using System.IO;
using System.Linq;
using System.Text.Json;

namespace Bench;

/// <summary>
/// Measures the sandbox against native and strace, and writes docs/performance.md and its plot:
/// <c>Bench ROOT [ROUNDS [PARTS]]</c>. With parts, it only tells the tables of these.
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

    private static readonly string[] _parts =
        ["operations", "getpid", "build", "start", "limits", "crowd", "counts"];

    private static int Main(string[] args)
    {
        int rounds = DefaultRounds;
        string[] parts = args.Length > 2
            ? args[2].Split([',', ' '], StringSplitOptions.RemoveEmptyEntries) : [];
        if (args.Length == 0 || (args.Length > 1 && !int.TryParse(args[1], out rounds))
            || rounds < 1 || parts.Except(_parts).Any())
        {
            Console.Error.WriteLine(
                $"usage: Bench ROOT [ROUNDS [PARTS]]; parts are {string.Join(", ", _parts)}");
            return 2;
        }

        var host = new Host(Path.GetFullPath(args[0]));
        Results results = Measure(host, rounds, parts.Length == 0 ? _parts : parts);
        if (parts.Length > 0)
        {
            Console.Write(Report.Tables(results));
            return 0;
        }

        string docs = Path.Combine(host.Root, "docs");
        Report.Write(Path.Combine(docs, "performance.md"), results);
        File.WriteAllText(
            Path.Combine(docs, "performance.svg"), Plot.Draw(results.Operations));
        Console.WriteLine("docs/performance.md and docs/performance.svg are written");
        return 0;
    }

    private static Results Measure(Host host, int rounds, string[] parts)
    {
        var results = new Results(rounds, Host.Describe());
        var inTurn = new Interleaver(rounds, Tell);
        foreach (string part in parts)
        {
            Action<Host, Interleaver, Results> measure = part switch
            {
                "operations" => MeasureOperations,
                "getpid" => MeasureGetPid,
                "build" => MeasureBuild,
                "start" => MeasureStartUp,
                "limits" => MeasureLimits,
                "crowd" => MeasureCrowds,
                _ => MeasureCounts,
            };
            measure(host, inTurn, results);
        }

        return results;
    }

    private static void MeasureOperations(Host host, Interleaver inTurn, Results results)
    {
        Way[] ways = Ways(host.Ours);
        foreach (Case what in Operations)
        {
            results.Operations.Add(inTurn.Micro(host, what, pinned: true, ways));
            results.Operations.Add(inTurn.Micro(host, what, pinned: false, ways));
        }
    }

    private static void MeasureGetPid(Host host, Interleaver inTurn, Results results)
    {
        Way[] ways =
            [new("native", Host.Native), new("filter", Host.Native), new("ours", host.Ours)];
        results.GetPid = inTurn.Micro(
            host, new("getpid", "getpid", 1.05, null), pinned: true, ways);
    }

    private static void MeasureBuild(Host host, Interleaver inTurn, Results results)
    {
        if (RealProject.Prepare(host, out string why) is { } source)
        {
            var fewer = new Interleaver(Math.Max(inTurn.Rounds / BuildShare, 1), Tell);
            results.Operations.Add(
                RealProject.Build(fewer, Ways(host.Under("build")), source));
        }
        else
        {
            results.Left.Add(
                $"{RealProject.What.Name}: its source cannot be fetched: {why.Trim()}");
        }
    }

    private static void MeasureStartUp(Host host, Interleaver inTurn, Results results)
    {
        if (Shell.Has("bwrap"))
        {
            results.StartUps.Add(StartUp.Measure(host, inTurn, pinned: true));
            results.StartUps.Add(StartUp.Measure(host, inTurn, pinned: false));
        }
        else
        {
            results.Left.Add("start-up: bubblewrap is not installed");
        }

        Tell("steps of a launch");
        results.Steps.AddRange(StartUp.Steps(host, inTurn.Rounds));
    }

    private static void MeasureLimits(Host host, Interleaver inTurn, Results results)
    {
        string[] trial = [.. host.Ours[..^1], "--set", "resources.cpu=1", "--set", "resources.memory=1G", "--", "true"];
        if (Shell.Run(host.Work, trial) is { Status: not 0, Err: var why })
        {
            results.Left.Add($"limits: {why.Trim()}");
            return;
        }

        results.Groups.AddRange(Limits.Costs(host, inTurn));
        results.Neighbours.AddRange(Limits.Neighbours(host, inTurn));
    }

    private static void MeasureCrowds(Host host, Interleaver inTurn, Results results)
    {
        foreach (int live in Crowd.Sizes)
        {
            results.Crowds.Add(Crowd.Measure(host, inTurn, live));
        }
    }

    private static void MeasureCounts(Host host, Interleaver inTurn, Results results)
    {
        foreach (string operation in Counts.All)
        {
            Tell($"counts of {operation}");
            results.Counts.Add(Counts.Of(host, operation));
            if (operation != "signal")
            {
                const int times = 2000;
                JsonElement result = Counts.Run(host, host.Ours, operation, times);
                results.Stages.Add((operation, result.GetProperty("stages")));
            }
        }
    }

    private static Way[] Ways(string[] ours) =>
        [new("native", Host.Native), new("strace", Host.Strace), new("ours", ours)];

    private static void Tell(string what)
    {
        if (!Console.IsErrorRedirected)
        {
            Console.Error.Write($"\r{what,-60}");
        }
    }
}
