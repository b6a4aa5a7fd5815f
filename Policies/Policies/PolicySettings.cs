using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using static Interpose.Abi.Uapi;

namespace Policies;

/// <summary>Single keys of a policy, set by their dotted name: <c>resources.nice=5</c>.</summary>
public static class PolicySettings
{
    private delegate bool Setter(ref Policy policy, string key, string value);

    private const string Number = "a number from 1 to 4194304";

    private static readonly SortedDictionary<string, (string Takes, Setter Set)> Keys =
        new(StringComparer.Ordinal)
        {
            ["creation.limits.tasks"] = (Number, Limit((l, n) => l with { Tasks = n })),
            ["creation.limits.threads"] = (Number, Limit((l, n) => l with { Threads = n })),
            ["creation.limits.depth"] = (Number, Limit((l, n) => l with { Depth = n })),
            ["creation.limits.per_second"] = (Number, Limit((l, n) => l with { PerSecond = n })),
            ["resources.open_files"] = ("a number", Rlimit(RLIMIT_NOFILE, Count)),
            ["resources.file_size"] = ("a size such as 4G", Rlimit(RLIMIT_FSIZE, Units.TrySize)),
            ["resources.core"] = ("a size such as 0", Rlimit(RLIMIT_CORE, Units.TrySize)),
            ["resources.stack"] = ("a size such as 8M", Rlimit(RLIMIT_STACK, Units.TrySize)),
            ["resources.data"] = ("a size such as 1G", Rlimit(RLIMIT_DATA, Units.TrySize)),
            ["resources.locked_memory"] =
                ("a size such as 64K", Rlimit(RLIMIT_MEMLOCK, Units.TrySize)),
            ["resources.cpu_time"] = ("a duration of whole seconds", Rlimit(RLIMIT_CPU, Seconds)),
            ["resources.nice"] = ("a number from -20 to 19", Nice),
            ["resources.scheduler"] = ("other, batch or idle", Scheduler),
            ["resources.affinity"] = ("CPU numbers such as 0,2-3", Affinity),
            ["resources.oom_score_adj"] = ("a number from -1000 to 1000", OomScoreAdj),
        };

    private delegate bool Reader(string text, out ulong value);

    /// <summary>The keys that can be set, in order, each with what it takes.</summary>
    public static IEnumerable<(string Key, string Takes)> Known
    {
        get
        {
            foreach ((string key, (string takes, _)) in Keys)
            {
                yield return (key, takes);
            }
        }
    }

    /// <summary>Sets one key from <c>KEY=VALUE</c>.</summary>
    /// <returns>Null, or the error: what is wrong and what would be right.</returns>
    public static string? Apply(ref Policy policy, string setting)
    {
        int equals = setting.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            return $"'{setting}' is not KEY=VALUE";
        }

        (string key, string value) = (setting[..equals], setting[(equals + 1)..]);
        if (!Keys.TryGetValue(key, out (string Takes, Setter Set) entry))
        {
            return $"key '{key}' is unknown or not enforced by this version; "
                + $"keys that are: {string.Join(", ", Keys.Keys)}";
        }

        return entry.Set(ref policy, key, value)
            ? null : $"{key} takes {entry.Takes}, not '{value}'";
    }

    private static Setter Limit(Func<CreationLimits, int, CreationLimits> with) =>
        (ref Policy policy, string _, string value) =>
        {
            if (!TryInt(value, 1, 4_194_304, out int n))
            {
                return false;
            }

            CreationPolicy creation = policy.Creation;
            policy = policy with { Creation = creation with { Limits = with(creation.Limits, n) } };
            return true;
        };

    private static Setter Rlimit(int resource, Reader read) =>
        (ref Policy policy, string key, string value) =>
        {
            if (!read(value, out ulong n))
            {
                return false;
            }

            ImmutableArray<ResourceLimit> limits = policy.Resources.Limits
                .RemoveAll(l => l.Resource == resource).Add(new(resource, n, key));
            policy = policy with { Resources = policy.Resources with { Limits = limits } };
            return true;
        };

    private static bool Nice(ref Policy policy, string key, string value)
    {
        bool ok = TryInt(value, -20, 19, out int n);
        policy = ok ? policy with { Resources = policy.Resources with { Nice = n } } : policy;
        return ok;
    }

    private static bool OomScoreAdj(ref Policy policy, string key, string value)
    {
        bool ok = TryInt(value, -1000, 1000, out int n);
        if (ok)
        {
            policy = policy with { Resources = policy.Resources with { OomScoreAdj = n } };
        }

        return ok;
    }

    private static bool Scheduler(ref Policy policy, string key, string value)
    {
        SchedulerReset? reset = value switch
        {
            "other" => SchedulerReset.Other,
            "batch" => SchedulerReset.Batch,
            "idle" => SchedulerReset.Idle,
            _ => null,
        };
        policy = policy with { Resources = policy.Resources with { Scheduler = reset } };
        return reset is not null;
    }

    private static bool Affinity(ref Policy policy, string key, string value)
    {
        var cpus = new SortedSet<int>();
        foreach (string part in value.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || !TryInt(ends[0], 0, 1023, out int first)
                || !TryInt(ends[^1], first, 1023, out int last))
            {
                return false;
            }

            for (int cpu = first; cpu <= last; cpu++)
            {
                cpus.Add(cpu);
            }
        }

        policy = policy with { Resources = policy.Resources with { Affinity = [.. cpus] } };
        return true;
    }

    private static bool Count(string text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value)
        && value <= int.MaxValue;

    private static bool Seconds(string text, out ulong value)
    {
        bool ok = Units.TryDuration(text, out TimeSpan duration)
            && duration.TotalSeconds == Math.Floor(duration.TotalSeconds);
        value = (ulong)duration.TotalSeconds;
        return ok;
    }

    private static bool TryInt(string text, int least, int most, out int value) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value)
        && value >= least && value <= most;
}
