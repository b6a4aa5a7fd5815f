using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;

namespace Bench;

/// <summary>A program that does nothing, from start to end.</summary>
internal static class StartUp
{
    public static Case What { get; } = new("start-up", "command", 1.0, 1.0);

    /// <summary>The way that has the goal.</summary>
    public const string Ours = "-p default";

    /// <summary>
    /// The base is bubblewrap with every namespace that it has; the policy 'default' makes the
    /// same and a file view, and 'processes' none.
    /// </summary>
    public static IReadOnlyList<Way> Ways(Host host) =>
    [
        new("native", ["true"]),
        new("bwrap",
        [
            "bwrap", "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
            "true",
        ]),
        new("-p processes", [host.Sandbox, "run", "-q", "-p", "processes", "--", "true"]),
        new(Ours, [host.Sandbox, "run", "-q", "-p", "default", "--", "true"]),
    ];

    public static Measured Measure(Host host, Interleaver inTurn, bool pinned)
    {
        const int times = 20;
        string[] pin = pinned ? ["taskset", "-c", "0"] : [];
        return new(What, pinned, inTurn.InTurn(What.Name, Ways(host), way =>
            double.Parse(
                Shell.Must(
                    host.Work, [.. pin, host.Micro, "command", $"{times}", .. way.Prefix]))));
    }

    /// <summary>What <c>--result</c> says of the launch, of some runs.</summary>
    public static IEnumerable<(string Name, Sample Nanoseconds)> Steps(Host host, int runs)
    {
        var values = new Dictionary<string, List<double>>();
        string result = Path.Combine(host.Work, "result.json");
        for (int run = 0; run < runs; run++)
        {
            Shell.Must(
                host.Work, host.Sandbox, "run", "-q", "-p", "default", "--result", result, "--",
                "true");
            JsonElement root = JsonDocument.Parse(File.ReadAllText(result)).RootElement;
            foreach (JsonProperty step in root.GetProperty("launch").EnumerateObject())
            {
                values.TryAdd(step.Name, []);
                values[step.Name].Add(step.Value.GetInt64());
            }
        }

        return values.Select(v => (v.Key.Replace("_ns", "", System.StringComparison.Ordinal),
            new Sample(v.Value)));
    }
}
