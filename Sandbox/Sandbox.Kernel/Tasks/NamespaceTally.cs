using System;
using System.Collections.Generic;
using Interpose.Abi;
using Policies;

namespace Sandbox.Kernel.Tasks;

/// <summary>
/// The namespaces that guests made: how deep each lies, in how many of them tasks stand, and
/// when one was left by its last task.
/// </summary>
/// <remarks>
/// How many there are only the kernel knows: one in which no task stands can live on, held by a
/// descriptor, a socket or a mount. So depth is judged here, before anything is taken, and the
/// number by the kernel, <c>inc_ucount</c>, whose ENOSPC is explained here.
/// </remarks>
/// <param name="budgets">The limits.</param>
/// <param name="clock">Time, for how long ago a namespace was left.</param>
/// <param name="records">Where records of namespaces come from.</param>
public sealed class NamespaceTally(NamespaceBudgets budgets, IClock clock, TaskRecords records)
{
    /// <summary>
    /// How long the kernel may take to free what was left: it does so from a work queue, 20 to 75
    /// ms late where that was measured.
    /// </summary>
    private const long FreePatience = 2_000_000_000;

    private readonly int[] _live = new int[NamespaceTypes.Count];
    private readonly long[] _leftAt = NeverLeft();
    private readonly Dictionary<string, ResourceGroup> _named = new(StringComparer.Ordinal);

    /// <summary>How many names are known: of namespaces in which tasks stand.</summary>
    public int Names => _named.Count;

    /// <summary>How many of a type have a task in them.</summary>
    public int Live(NamespaceType type) => _live[(int)type];

    /// <summary>
    /// Whether some namespaces would lie too deep, or are of a type that guests may not have.
    /// </summary>
    /// <param name="types">The types, as CLONE_NEW flags.</param>
    /// <param name="caller">The task that would make them.</param>
    /// <returns>The limit that is in the way, ENOSPC; null for none.</returns>
    public Refusal? Exceeded(ulong types, GuestTask caller)
    {
        if ((types & budgets.Limited) == 0)
        {
            return null;
        }

        foreach (NamespaceType type in NamespaceTypes.All)
        {
            NamespaceBudget budget = (types & type.Flag()) == 0 ? default : budgets.Of(type);
            if (budget.Depth is { } depth && caller[KindOf(type)].Depth >= depth.Value)
            {
                return Full(NamespaceBudgets.DepthKey(type), depth);
            }

            if (budget.Max is { Value: 0 } none)
            {
                return Full(NamespaceBudgets.MaxKey(type), none);
            }
        }

        return null;
    }

    /// <summary>
    /// What the kernel's refusal means: of a counted type ENOSPC is the policy's limit, of
    /// several that of which most is used. The kernel's own limit of nesting is told from it by
    /// the depth that is known here.
    /// </summary>
    /// <param name="errno">The kernel's.</param>
    /// <param name="types">What was asked for, as CLONE_NEW flags.</param>
    /// <param name="caller">The task that asked; null when it is gone.</param>
    public Refusal Explain(Errno errno, ulong types, GuestTask? caller)
    {
        (NamespaceType Type, Sourced<int> Max)? nearest = null;
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            if (errno != Errno.ENOSPC || (types & type.Flag()) == 0)
            {
                continue;
            }

            if (type is NamespaceType.User or NamespaceType.Pid
                && caller is { State: not TaskState.Dead }
                && caller[KindOf(type)].Depth >= NamespaceBudgets.DepthMost)
            {
                return new(errno, RefusedBy.Kernel, "kernel");
            }

            if (budgets.Of(type).Max is { } max
                && (nearest is not { } other || Room(type, max) < Room(other.Type, other.Max)))
            {
                nearest = (type, max);
            }
        }

        return nearest is { } full ? Full(NamespaceBudgets.MaxKey(full.Type), full.Max)
            : new(errno, RefusedBy.Kernel, "kernel");
    }

    /// <summary>
    /// Whether the kernel may be about to free a namespace, so that a call which found no place
    /// will find one soon.
    /// </summary>
    /// <param name="types">What was asked for, as CLONE_NEW flags.</param>
    public bool MayComeFree(ulong types)
    {
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            if ((types & budgets.Counted & type.Flag()) != 0
                && clock.Now - _leftAt[(int)type] < FreePatience)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes note of what a task gave itself: unshare(2) ran well.</summary>
    /// <param name="task">The task.</param>
    /// <param name="types">The types, as CLONE_NEW flags.</param>
    public void Unshared(GuestTask task, ulong types)
    {
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            if ((types & type.Flag()) != 0)
            {
                ResourceGroup made = Make(KindOf(type), task);
                task.Hold(made);
                made.Exists();
            }
        }
    }

    /// <summary>
    /// The namespace that a name stands for, if tasks stand in it; whoever enters it should ask
    /// one of them, for its end may not be known yet and its name another's.
    /// </summary>
    public ResourceGroup? Find(string name) => _named.GetValueOrDefault(name);

    /// <summary>Takes note of where a task went: setns(2) ran well.</summary>
    /// <param name="task">The task.</param>
    /// <param name="type">The type.</param>
    /// <param name="group">
    /// The namespace; null for one that is not known, below which nothing may be made then.
    /// </param>
    public void Entered(GuestTask task, NamespaceType type, ResourceGroup? group) =>
        task.Hold(group ?? records.Resource(KindOf(type), NamespaceBudgets.DepthMost));

    /// <summary>Whether a namespace of a limited type still lacks its name.</summary>
    public bool LacksName(GuestTask task, NamespaceType type) =>
        (budgets.Limited & type.Flag()) != 0 && task[KindOf(type)].Name is null;

    /// <summary>
    /// Gives the namespace that a task stands in its name. One that was entered and is not known
    /// is not found by it: its end is not noted, and its record may stand for another by then.
    /// </summary>
    /// <param name="task">The task.</param>
    /// <param name="type">The type.</param>
    /// <param name="name">The link in /proc/PID/ns, unique among all that live.</param>
    public void Name(GuestTask task, NamespaceType type, string name)
    {
        ResourceGroup group = task[KindOf(type)];
        group.Name = name;
        if (group.IsCounted)
        {
            _named[name] = group;
        }
    }

    /// <summary>The kind of resource that a type is.</summary>
    public static ResourceKind KindOf(NamespaceType type) =>
        ResourceGroup.FirstNamespace + (int)type;

    /// <summary>A namespace as a task makes it; of the first task those it was given.</summary>
    internal ResourceGroup Make(ResourceKind kind, GuestTask? maker)
    {
        int depth = maker is null ? 0 : maker[kind].Depth + 1;
        return records.Resource(kind, Math.Min(depth, NamespaceBudgets.DepthMost), this);
    }

    /// <summary>A namespace came to be.</summary>
    internal void Begin(ResourceGroup group)
    {
        if (group.Depth > 0)
        {
            _live[group.Kind - ResourceGroup.FirstNamespace]++;
        }
    }

    /// <summary>The last task has left a namespace.</summary>
    internal void End(ResourceGroup group)
    {
        if (group.Depth > 0)
        {
            int type = group.Kind - ResourceGroup.FirstNamespace;
            _live[type]--;
            _leftAt[type] = clock.Now;
        }

        if (group.Name is { } name && _named.GetValueOrDefault(name) == group)
        {
            _named.Remove(name);
        }
    }

    private int Room(NamespaceType type, Sourced<int> max) => max.Value - _live[(int)type];

    private static Refusal Full(string key, Sourced<int> limit) =>
        new(Errno.ENOSPC, RefusedBy.Limit, key, limit.Origin);

    private static long[] NeverLeft()
    {
        var times = new long[NamespaceTypes.Count];
        Array.Fill(times, long.MinValue / 2);
        return times;
    }
}
