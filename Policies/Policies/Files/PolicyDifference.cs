using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Interpose.Abi;

namespace Policies.Files;

/// <summary>What one policy lets guests do and another does not.</summary>
public static class PolicyDifference
{
    /// <summary>What <paramref name="wide"/> allows beyond <paramref name="narrow"/>.</summary>
    /// <returns>
    /// A line each: where it was set, when it was; the key; what it is beside what it would be.
    /// Empty when nothing is allowed beyond.
    /// </returns>
    public static IReadOnlyList<string> Beyond(Policy narrow, Policy wide)
    {
        var found = new List<string>();
        CompareCalls(narrow.Creation, wide.Creation, found);
        CompareLimits(narrow, wide, found);
        CompareResources(narrow.Resources, wide.Resources, found);
        IsolationDifference.Add(narrow, wide, found);
        return found;
    }

    /// <summary>Adds a line.</summary>
    internal static void Tell(ICollection<string> found, Origin? at, string key, string what) =>
        found.Add((at is null || at.Line == 0 ? string.Empty : $"{at}: ") + $"{key}: {what}");

    private static void CompareCalls(
        CreationPolicy narrow, CreationPolicy wide, List<string> found)
    {
        foreach (EntryPoint entry in EntryPointNames.Calls)
        {
            (Sourced<Errno> a, Sourced<Errno> b) = (narrow.Entry(entry), wide.Entry(entry));
            if (b.Value == Errno.None && a.Value != Errno.None)
            {
                string key = CreationPolicy.EntryKey(entry);
                Tell(found, b.Origin, key, $"allow instead of {a.Value}");
            }
        }

        foreach (Shape shape in Shapes.All)
        {
            FlagRule rule = wide.ShapeRule(shape);
            if (rule.Action == FlagAction.Allow
                && narrow.ShapeRule(shape).Action != FlagAction.Allow)
            {
                Tell(found, rule.Origin, "creation.allow", shape.Group());
            }
        }

        foreach (string name in CloneFlags.Of(wide.Allow & ~narrow.Allow))
        {
            Origin? at = CloneFlags.TryParse(name, out ulong bit) ? wide.Flag(bit).Origin : null;
            Tell(found, at, "creation.allow", name);
        }

        foreach (string name in CloneFlags.Of(narrow.Require & ~wide.Require))
        {
            Tell(found, null, "creation.require", $"no {name}");
        }

        CompareSetUp(narrow.SetUp, wide.SetUp, found);
        if (narrow.OnViolation.Value == OnViolation.Kill
            && wide.OnViolation.Value == OnViolation.Errno)
        {
            Tell(found, wide.OnViolation.Origin, "creation.on_violation", "errno instead of kill");
        }
    }

    private static void CompareSetUp(
        NamespaceSetUp narrow, NamespaceSetUp wide, List<string> found)
    {
        foreach ((string key, string value, Origin at) in wide.Of(CloneFlags.Namespaces))
        {
            if (!narrow.Of(CloneFlags.Namespaces).Any(s => s.Key == key && s.Value == value))
            {
                Tell(found, at, key, value);
            }
        }
    }

    private static void CompareLimits(Policy narrow, Policy wide, List<string> found)
    {
        foreach ((string key, Sourced<int> limit) in narrow.Creation.AllLimits())
        {
            Sourced<int>? other = null;
            foreach ((string name, Sourced<int> set) in wide.Creation.AllLimits())
            {
                other = name == key ? set : other;
            }

            if (other is null || other.Value.Value > limit.Value)
            {
                Tell(found, other?.Origin, key, Instead(other?.Value, limit.Value, "no limit"));
            }
        }
    }

    private static void CompareResources(
        ResourcePolicy narrow, ResourcePolicy wide, List<string> found)
    {
        const string inherited = "as inherited";
        foreach (ResourceLimit limit in narrow.Limits)
        {
            ulong? other = null;
            foreach (ResourceLimit set in wide.Limits)
            {
                other = set.Resource == limit.Resource ? set.Value : other;
            }

            if (other is null || other > limit.Value)
            {
                Tell(found, null, limit.Key, Instead(other, limit.Value, inherited));
            }
        }

        CompareRun(narrow.Run, wide.Run, found);
        if (narrow.Nice is { } nice && (wide.Nice is null || wide.Nice < nice))
        {
            Tell(found, null, "resources.nice", Instead(wide.Nice, nice, inherited));
        }

        if (narrow.OomScoreAdj is { } score
            && (wide.OomScoreAdj is null || wide.OomScoreAdj < score))
        {
            Tell(
                found, null, "resources.oom_score_adj",
                Instead(wide.OomScoreAdj, score, inherited));
        }

        if (narrow.Scheduler is { } reset && wide.Scheduler != reset)
        {
            Tell(found, null, "resources.scheduler", $"not put back to {reset}");
        }

        foreach (int cpu in wide.Affinity)
        {
            if (!narrow.Affinity.IsEmpty && !narrow.Affinity.Contains(cpu))
            {
                Tell(found, null, "resources.affinity", $"processor {cpu}");
            }
        }

        if (!narrow.Affinity.IsEmpty && wide.Affinity.IsEmpty)
        {
            Tell(found, null, "resources.affinity", "every processor");
        }
    }

    private static void CompareRun(RunLimits narrow, RunLimits wide, List<string> found)
    {
        More("memory", narrow.Memory, wide.Memory);
        if (wide.Memory is not null)
        {
            More("swap", narrow.Swap ?? (narrow.Memory is null ? null : 0), wide.Swap ?? 0);
        }

        More("cpu", narrow.Cpu, wide.Cpu);
        More("io_weight", narrow.IoWeight, wide.IoWeight);
        More("output", narrow.Output, wide.Output);
        More("wall", narrow.Wall, wide.Wall);
        More("idle", narrow.Idle, wide.Idle);
        if (narrow.KillTogether && !wide.KillTogether)
        {
            Tell(found, null, "resources.oom", "task instead of run");
        }

        void More<T>(string name, T? less, T? more)
            where T : struct, IComparable<T>, IFormattable
        {
            if (less is { } limit && (more is not { } other || other.CompareTo(limit) > 0))
            {
                Tell(found, null, "resources." + name, Instead(more, limit, "no limit"));
            }
        }
    }

    private static string Instead<T>(T? wide, T narrow, string none)
        where T : struct, IFormattable =>
        $"{wide?.ToString(null, CultureInfo.InvariantCulture) ?? none} instead of "
            + narrow.ToString(null, CultureInfo.InvariantCulture);
}
