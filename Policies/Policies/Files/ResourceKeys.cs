using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using static Interpose.Abi.Uapi;

namespace Policies.Files;

/// <summary>The keys of the section <c>resources</c>.</summary>
internal static class ResourceKeys
{
    private const int MostCpu = 1023;
    private const string CpuPattern = "([0-9]|[1-9][0-9]{1,2}|10[01][0-9]|102[0-3])";

    private const string RangePattern = CpuPattern + "(-" + CpuPattern + ")?";

    /// <summary>The largest number that every reader of JSON keeps exactly.</summary>
    private const long MostNumber = (1L << 53) - 1;

    private static readonly FormKind Size = new(
        "a size such as 4G", "^[0-9]{1,6}[KMGT]$",
        static text => text.Length is > 0 and <= 7 && !char.IsAsciiDigit(text[^1])
            && Units.TrySize(text, out ulong bytes) ? bytes : null,
        MostNumber);

    private static readonly FormKind WholeSeconds = new(
        "a duration of whole seconds such as 90s, 10m or 1h", "^[1-9][0-9]{0,5}[smh]$",
        ReadSeconds, null);

    private static readonly FormKind Duration = new(
        "a duration such as 500ms, 90s, 10m or 1h", "^[1-9][0-9]{0,5}(ms|s|m|h)$",
        static text => ReadDuration(text), null);

    /// <summary>The keys in the order of the reference.</summary>
    public static IEnumerable<PolicyKey> All()
    {
        foreach (PolicyKey key in OfRun())
        {
            yield return key;
        }

        yield return Rlimit(
            "open_files", RLIMIT_NOFILE, new IntegerKind(0, int.MaxValue), "1024",
            "RLIMIT_NOFILE: descriptors of one process.");
        yield return Rlimit(
            "file_size", RLIMIT_FSIZE, Size, "4G", "RLIMIT_FSIZE: length of a written file.");
        yield return Rlimit("core", RLIMIT_CORE, Size, "0", "RLIMIT_CORE: size of a core file.");
        yield return Rlimit("stack", RLIMIT_STACK, Size, "8M", "RLIMIT_STACK: the main stack.");
        yield return Rlimit("data", RLIMIT_DATA, Size, "1G", "RLIMIT_DATA: private memory.");
        yield return Rlimit(
            "locked_memory", RLIMIT_MEMLOCK, Size, "64K", "RLIMIT_MEMLOCK: locked memory.");
        yield return Rlimit(
            "cpu_time", RLIMIT_CPU, WholeSeconds, "10m",
            "RLIMIT_CPU: processor time of one process.");
        yield return new(
            "resources.nice", new IntegerKind(-20, 19), "as inherited", "5",
            "The least nice value.",
            static (draft, value, _) =>
                draft.Resources = draft.Resources with { Nice = (int)value });
        yield return new(
            "resources.scheduler",
            new WordKind(
                ("other", SchedulerReset.Other), ("batch", SchedulerReset.Batch),
                ("idle", SchedulerReset.Idle)),
            "as inherited", "batch", "The scheduling policy that tasks are put back to.",
            static (draft, value, _) =>
                draft.Resources = draft.Resources with { Scheduler = (SchedulerReset)value });
        yield return new(
            "resources.affinity",
            new FormKind(
                "CPU numbers such as 0,2-3", $"^{RangePattern}(,{RangePattern}){{0,99}}$",
                static text => ReadCpus(text),
                MostCpu),
            "as inherited", "0,2-3", "The processors that tasks may run on.",
            static (draft, value, _) => draft.Resources = draft.Resources with
            {
                Affinity = value is ulong cpu ? [(int)cpu] : (ImmutableArray<int>)value,
            });
        yield return new(
            "resources.oom_score_adj", new IntegerKind(-1000, 1000), "as inherited", "500",
            "The least oom_score_adj.",
            static (draft, value, _) =>
                draft.Resources = draft.Resources with { OomScoreAdj = (int)value });
        yield return PolicyKey.Because("resources");
    }

    /// <summary>What the run as a whole is held to.</summary>
    private static IEnumerable<PolicyKey> OfRun()
    {
        yield return OfRun(
            "memory", Size, "no limit", "2G",
            "Memory of all tasks together, the page cache included. Takes a cgroup.",
            static (run, value) => run with { Memory = (ulong)value });
        yield return OfRun(
            "swap", Size, "0 where memory is limited", "1G", "Swap that they may use besides.",
            static (run, value) => run with { Swap = (ulong)value });
        yield return OfRun(
            "oom", new WordKind(("task", false), ("run", true)), "task", "run",
            "What ends when memory runs out: the task that the kernel chooses, or the run.",
            static (run, value) => run with { KillTogether = (bool)value });
        yield return OfRun(
            "cpu", new NumberKind(0.01, 1024), "no limit", "1.5",
            "Processors that all tasks together may use. They are told of as many, rounded up. "
                + "Takes a cgroup.",
            static (run, value) => run with { Cpu = (double)value });
        yield return OfRun(
            "io_weight", new IntegerKind(1, 10_000), "100", "50",
            "The run's share of disk time, against 100 of others. Takes a cgroup.",
            static (run, value) => run with { IoWeight = (int)value });
        yield return OfRun(
            "output", Size, "no limit", "10M",
            "What the run may write to the standard output and error that it was given, together; "
                + "then it is killed. They become pipes; a terminal cannot be counted.",
            static (run, value) => run with { Output = (ulong)value });
        yield return OfRun(
            "wall", Duration, "no limit", "10m",
            "How long the run may take; then it ends as with --timeout, and the shorter of the "
                + "two decides.",
            static (run, value) => run with { Wall = (TimeSpan)value });
        yield return OfRun(
            "idle", Duration, "no limit", "2m",
            "How long the run may use no processor time at all; then it ends likewise.",
            static (run, value) => run with { Idle = (TimeSpan)value });
    }

    private static PolicyKey OfRun(
        string name, ValueKind kind, string @default, string example, string description,
        Func<RunLimits, object, RunLimits> set) => new(
        "resources." + name, kind, @default, example, description,
        (draft, value, _) => draft.Resources = draft.Resources with
        {
            Run = set(draft.Resources.Run, value),
        });

    private static PolicyKey Rlimit(
        string name, int resource, ValueKind kind, string example, string description)
    {
        string key = "resources." + name;
        return new(
            key, kind, "as inherited", example, description,
            (draft, value, _) =>
            {
                ulong limit = value is int number ? (ulong)number : (ulong)value;
                ImmutableArray<ResourceLimit> others =
                    draft.Resources.Limits.RemoveAll(l => l.Resource == resource);
                draft.Resources = draft.Resources with
                {
                    Limits = others.Add(new(resource, limit, key)),
                };
            });
    }

    private static TimeSpan? ReadDuration(string text)
    {
        int digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        double milliseconds = digits is < 1 or > 6 || text[0] == '0' ? 0 : text[digits..] switch
        {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => 0,
        };
        return milliseconds == 0 ? null : TimeSpan.FromMilliseconds(
            milliseconds * int.Parse(text.AsSpan(0, digits), CultureInfo.InvariantCulture));
    }

    private static object? ReadSeconds(string text)
    {
        if (text.Length is < 2 or > 7 || text[0] is < '1' or > '9')
        {
            return null;
        }

        ulong unit = text[^1] switch
        {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => 0,
        };
        return unit != 0
            && ulong.TryParse(
                text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong n)
            ? n * unit : null;
    }

    private static ImmutableArray<int>? ReadCpus(string text)
    {
        var cpus = new SortedSet<int>();
        string[] parts = text.Split(',', 101);
        foreach (string part in parts.Length > 100 ? [""] : parts)
        {
            string[] ends = part.Split('-', 3);
            if (ends.Length > 2 || !TryCpu(ends[0], 0, out int first)
                || !TryCpu(ends[^1], first, out int last))
            {
                return null;
            }

            for (int cpu = first; cpu <= last; cpu++)
            {
                cpus.Add(cpu);
            }
        }

        return cpus.ToImmutableArray();
    }

    private static bool TryCpu(string text, int least, out int cpu) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out cpu)
        && cpu >= least && cpu <= MostCpu && (text.Length == 1 || text[0] != '0');
}
