using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using static Interpose.Abi.Uapi;

namespace Policies;

/// <summary>The types of namespaces(7), in the order of the policy's keys.</summary>
public enum NamespaceType
{
    /// <summary>user_namespaces(7), CLONE_NEWUSER.</summary>
    User,

    /// <summary>mount_namespaces(7), CLONE_NEWNS.</summary>
    Mount,

    /// <summary>pid_namespaces(7), CLONE_NEWPID.</summary>
    Pid,

    /// <summary>network_namespaces(7), CLONE_NEWNET.</summary>
    Net,

    /// <summary>ipc_namespaces(7), CLONE_NEWIPC.</summary>
    Ipc,

    /// <summary>uts_namespaces(7), CLONE_NEWUTS.</summary>
    Uts,

    /// <summary>cgroup_namespaces(7), CLONE_NEWCGROUP.</summary>
    Cgroup,

    /// <summary>time_namespaces(7), CLONE_NEWTIME.</summary>
    Time,
}

/// <summary>Names and flags of the types of namespaces.</summary>
public static class NamespaceTypes
{
    /// <summary>How many types there are.</summary>
    public const int Count = 8;

    /// <summary>The types, in order.</summary>
    public static ImmutableArray<NamespaceType> All { get; } =
    [
        NamespaceType.User, NamespaceType.Mount, NamespaceType.Pid, NamespaceType.Net,
        NamespaceType.Ipc, NamespaceType.Uts, NamespaceType.Cgroup, NamespaceType.Time,
    ];

    /// <summary>The name that policies write.</summary>
    public static string Name(this NamespaceType type) => type switch
    {
        NamespaceType.User => "user",
        NamespaceType.Mount => "mount",
        NamespaceType.Pid => "pid",
        NamespaceType.Net => "net",
        NamespaceType.Ipc => "ipc",
        NamespaceType.Uts => "uts",
        NamespaceType.Cgroup => "cgroup",
        _ => "time",
    };

    /// <summary>The name that the kernel gives it in /proc.</summary>
    public static string KernelName(this NamespaceType type) =>
        type == NamespaceType.Mount ? "mnt" : type.Name();

    /// <summary>The flag that asks for a new one.</summary>
    public static ulong Flag(this NamespaceType type) => type switch
    {
        NamespaceType.User => CLONE_NEWUSER,
        NamespaceType.Mount => CLONE_NEWNS,
        NamespaceType.Pid => CLONE_NEWPID,
        NamespaceType.Net => CLONE_NEWNET,
        NamespaceType.Ipc => CLONE_NEWIPC,
        NamespaceType.Uts => CLONE_NEWUTS,
        NamespaceType.Cgroup => CLONE_NEWCGROUP,
        _ => CLONE_NEWTIME,
    };
}

/// <summary>What guests may have of one type of namespace.</summary>
/// <param name="Max">How many that they made may live at once; null for no limit.</param>
/// <param name="Depth">
/// How deep they may nest below the run's own; null for no limit.
/// </param>
public readonly record struct NamespaceBudget(Sourced<int>? Max, Sourced<int>? Depth);

/// <summary>The section <c>creation.namespaces</c>.</summary>
/// <param name="Budgets">By <see cref="NamespaceType"/>.</param>
public sealed record NamespaceBudgets(ImmutableArray<NamespaceBudget> Budgets)
{
    /// <summary>The deepest that the kernel nests user and pid namespaces.</summary>
    public const int DepthMost = 32;

    /// <summary>The most that can be asked for.</summary>
    public const int Most = 1_000_000;

    /// <summary>No limit at all.</summary>
    public static NamespaceBudgets None { get; } =
        new([.. new NamespaceBudget[NamespaceTypes.Count]]);

    private static ImmutableArray<string> MaxKeys { get; } = Keys("max");

    private static ImmutableArray<string> DepthKeys { get; } = Keys("depth");

    private static ImmutableArray<string> Keys(string what) =>
        [.. NamespaceTypes.All.Select(t => $"creation.namespaces.{t.Name()}.{what}")];

    /// <summary>Types of which the number is limited, as CLONE_NEW flags.</summary>
    public ulong Counted { get; } = FlagsOf(Budgets, static b => b.Max is not null);

    /// <summary>Types of which number or depth is limited, as CLONE_NEW flags.</summary>
    public ulong Limited { get; } =
        FlagsOf(Budgets, static b => b.Max is not null || b.Depth is not null);

    /// <summary>The budget of a type.</summary>
    public NamespaceBudget Of(NamespaceType type) => Budgets[(int)type];

    /// <summary>The same budgets but for one.</summary>
    public NamespaceBudgets With(NamespaceType type, NamespaceBudget budget) =>
        new(Budgets.SetItem((int)type, budget));

    /// <summary>The key of a type's number.</summary>
    public static string MaxKey(NamespaceType type) => MaxKeys[(int)type];

    /// <summary>The key of a type's depth.</summary>
    public static string DepthKey(NamespaceType type) => DepthKeys[(int)type];

    /// <summary>The limits that are set, by key.</summary>
    public IEnumerable<(string Key, Sourced<int> Limit)> Set()
    {
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            if (Of(type).Max is { } max)
            {
                yield return (MaxKey(type), max);
            }

            if (Of(type).Depth is { } depth)
            {
                yield return (DepthKey(type), depth);
            }
        }
    }

    private static ulong FlagsOf(
        ImmutableArray<NamespaceBudget> budgets, System.Func<NamespaceBudget, bool> counts)
    {
        ulong flags = 0;
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            flags |= counts(budgets[(int)type]) ? type.Flag() : 0;
        }

        return flags;
    }
}
