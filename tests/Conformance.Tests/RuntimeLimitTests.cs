using System;
using System.Globalization;
using System.IO;
using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>What a run sees of its limits: the files of its cgroup, and language runtimes.</summary>
[Collection("engine")]
public sealed class RuntimeLimitTests
{
    private const long Limit = 512L << 20;

    private static bool IsVersion1 => Directory.Exists("/sys/fs/cgroup/memory");

    [NeedsCgroupFact]
    public void The_group_of_a_run_is_the_root_of_what_it_sees_of_groups()
    {
        const string script = "grep -E '^0:|:memory:' /proc/self/cgroup; "
            + "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; "
            + "ls -d /sys/fs/cgroup/*/sandbox-* /sys/fs/cgroup/sandbox-* 2>/dev/null; :";
        string[] limits = ["--set", "resources.memory=512M"];
        using var place = new Workplace();
        File.SetUnixFileMode(place.Path, (UnixFileMode)0x1ed);
        foreach (string policy in new[] { "build", "default" })
        {
            Outcome run = Product.Run(place, ["-q", "-p", policy, .. limits], "sh", "-c", script);
            string[] lines = run.Out.Trim().Split('\n');
            Assert.Equal((0, ""), (run.Status, run.Err));
            Assert.All(lines[..^1], line => Assert.EndsWith(":/", line, StringComparison.Ordinal));
            Assert.Equal($"{Limit}", lines[^1]);
        }
    }

    [NeedsCgroupFact("node")]
    public void Node_counts_one_processor_and_fits_its_heap_into_the_limit()
    {
        using var place = new Workplace();
        SeesItsLimits(
            place, ["processes", "build"], "node", "-e",
            "const os = require('os'), v8 = require('v8'); console.log(os.availableParallelism(), "
                + "v8.getHeapStatistics().heap_size_limit)");
    }

    [NeedsCgroupFact("java")]
    public void Java_counts_one_processor_and_fits_its_heap_into_the_limit()
    {
        using var place = new Workplace();
        place.Write(
            "Seen.java",
            "public class Seen { public static void main(String[] a) { Runtime r = Runtime.getRuntime(); "
                + "System.out.println(r.availableProcessors() + \" \" + r.maxMemory()); } }");

        // Java 17 takes the first of two mounts of a hierarchy of version 1, which is the host's.
        SeesItsLimits(
            place, IsVersion1 ? ["processes"] : ["processes", "build"], "java", "Seen.java");
    }

    [NeedsCgroupFact("dotnet")]
    public void Dotnet_counts_one_processor_and_fits_its_heap_into_the_limit()
    {
        using var place = new Workplace();
        string assembly = typeof(Seen).Assembly.Location;
        foreach (string file in new[] { assembly, Path.ChangeExtension(assembly, "runtimeconfig.json") })
        {
            File.Copy(file, place.File(Path.GetFileName(file)));
        }

        SeesItsLimits(place, ["processes", "build"], "dotnet", "exec", Path.GetFileName(assembly));
    }

    private static void SeesItsLimits(Workplace place, string[] policies, params string[] command)
    {
        foreach (string policy in policies)
        {
            Outcome run = Product.Run(
                place, ["-q", "-p", policy, "--set", "resources.memory=512M", "--set", "resources.cpu=1"], command);
            Assert.Equal((0, ""), (run.Status, run.Err));
            long[] seen = [.. run.Out.Trim().Split(' ').Select(n => long.Parse(n, CultureInfo.InvariantCulture))];
            Assert.Equal(1, seen[0]);
            Assert.InRange(seen[1], 1, Limit);
        }
    }
}
