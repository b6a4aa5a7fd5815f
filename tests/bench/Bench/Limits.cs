using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;

namespace Bench;

/// <summary>What the cgroup of a run costs, and what it gives to others.</summary>
internal static class Limits
{
    /// <summary>The way that all others of a neighbour are compared with.</summary>
    public const string Alone = "alone";

    private const string Group = "resources.memory=2G";

    /// <summary>Natively at most so many processes, for the host's sake.</summary>
    private static readonly (string Name, string Script)[] Hogs =
    [
        ("8 busy loops", "for i in 1 2 3 4 5 6 7 8; do (while :; do :; done) & done; wait"),
        ("16 loops of forks",
            "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do (while :; do (:); done) & done; wait"),
        ("4 writers of memory",
            "for i in 1 2 3 4; do (while :; do head -c 500M /dev/zero | tail -c 400M >/dev/null; done) & "
                + "done; wait"),
    ];

    /// <summary>Start to end of <c>true</c>, and a fork, without a group and with one.</summary>
    public static IEnumerable<Measured> Costs(Host host, Interleaver inTurn)
    {
        const int times = 10;
        foreach (string policy in new[] { "processes", "default" })
        {
            Way[] ways = Both(host, policy);
            yield return new(
                new($"start to end of `true`, {policy}", "command", null, null), false,
                inTurn.InTurn("start-up", ways, way => double.Parse(Shell.Must(
                    host.Work, [host.Micro, "command", $"{times}", .. way.Prefix, "true"]))));
        }

        foreach ((string name, string operation) in new[] { ("fork+exit+wait", "fork"), ("thread create+join", "thread") })
        {
            yield return inTurn.Micro(
                host, new(name + ", default", operation, null, null), pinned: false,
                Both(host, "default"));
        }
    }

    /// <summary>What a run gets done beside another that takes all it can get.</summary>
    public static IEnumerable<Measured> Neighbours(Host host, Interleaver inTurn)
    {
        const int times = 60;
        foreach ((string name, string script) in Hogs)
        {
            string[] sandbox = [host.Sandbox, "run", "-q", "-p", "processes"];
            Way[] ways =
            [
                new(Alone, []), new("beside it", ["sh", "-c", script]),
                new(
                    "beside it under limits",
                    [
                        .. sandbox, "--set", "resources.cpu=0.2", "--set", "resources.memory=128M",
                        "--set", "creation.limits.tasks=40", "--", "sh", "-c", script,
                    ]),
            ];
            yield return new(
                new(name, "exec", null, null), false,
                inTurn.InTurn(name, ways, way =>
                {
                    using var hog = Hog.Start(host, way.Prefix);
                    return double.Parse(Shell.Must(
                        host.Work, [.. host.Ours, host.Micro, "exec", $"{times}"]));
                }));
        }
    }

    private static Way[] Both(Host host, string policy)
    {
        string[] line = [host.Sandbox, "run", "-q", "-p", policy];
        return [new("native", [.. line, "--"]), new("ours", [.. line, "--set", Group, "--"])];
    }

    /// <summary>A command beside what is measured, ended with all of its processes.</summary>
    private sealed class Hog(Process? process) : IDisposable
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
        private static readonly TimeSpan Warm = TimeSpan.FromMilliseconds(300);

        public static Hog Start(Host host, string[] command)
        {
            if (command.Length == 0)
            {
                return new(null);
            }

            var start = new ProcessStartInfo("setsid")
            {
                WorkingDirectory = host.Work,
                RedirectStandardError = true,
            };
            foreach (string word in command)
            {
                start.ArgumentList.Add(word);
            }

            var hog = new Hog(Process.Start(start));
            Thread.Sleep(Warm);
            return hog;
        }

        /// <summary>It leads a session and so a group: setsid(1) of no leader runs in place.</summary>
        public void Dispose()
        {
            if (process is not null)
            {
                Shell.Run("/", "kill", "-TERM", "--", $"-{process.Id}");
                if (!process.WaitForExit(Patience))
                {
                    Shell.Run("/", "kill", "-KILL", "--", $"-{process.Id}");
                    process.WaitForExit();
                }

                process.Dispose();
            }
        }
    }
}
