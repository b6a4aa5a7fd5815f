using System.Collections.Generic;

namespace Bench;

/// <summary>A program that does nothing, from start to end.</summary>
internal static class StartUp
{
    public static Case What { get; } = new("start-up", "command", 1.0, 1.0);

    /// <summary>
    /// The base is bubblewrap with every namespace; ours makes none of them yet.
    /// </summary>
    public static IReadOnlyList<Way> Ways(Host host) =>
    [
        new("native", ["true"]),
        new("bwrap",
        [
            "bwrap", "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
            "true",
        ]),
        new("ours", [host.Sandbox, "run", "-q", "--", "true"]),
        new("ours, not quiet", [host.Sandbox, "run", "--", "true"]),
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
}
