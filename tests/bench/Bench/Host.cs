using System;
using System.IO;
using System.Linq;

namespace Bench;

/// <summary>Where everything is, and what is measured against what.</summary>
internal sealed class Host
{
    public Host(string root)
    {
        Root = root;
        Work = Directory.CreateDirectory(Path.Combine(root, "obj", "bench")).FullName;
        Micro = Path.Combine(Work, "micro");
        Shell.Must(
            root, "gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o",
            Micro, Path.Combine(root, "tests", "bench", "micro.c"));
    }

    public string Root { get; }

    /// <summary>A directory for what is built and fetched.</summary>
    public string Work { get; }

    /// <summary>The guest that makes one operation in a loop.</summary>
    public string Micro { get; }

    public string Sandbox => Path.Combine(Root, "bin", "sandbox");

    public static string[] Native => [];

    /// <summary>A ptrace tracer that the kernel's filter wakes for the same calls only.</summary>
    public static string[] Strace =>
        ["strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=process"];

    /// <summary>The policy that ships as the default.</summary>
    public string[] Ours => Under("default");

    /// <summary>A policy that ships, with limits that no loop here reaches.</summary>
    public string[] Under(string policy) =>
    [
        Sandbox, "run", "-q", "-p", policy, "--set", "creation.limits.tasks=30000",
        "--set", "creation.limits.per_second=1000000", "--",
    ];

    /// <summary>What the figures depend on, in one line.</summary>
    public static string Describe()
    {
        string model = File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?
            .Split(':')[1].Trim() ?? "unknown processor";
        string kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        string load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        return $"{model}, {Environment.ProcessorCount} CPUs, Linux {kernel}, load {load}";
    }
}
