using System;
using System.Collections.Generic;
using Interpose.Abi;
using Policies;

namespace Sandbox.Kernel.Tasks;

/// <summary>
/// The namespaces that guests made: in how many of them tasks stand, how deep each lies, and
/// which is which.
/// </summary>
/// <remarks>
/// A namespace in which no task stands can live on, held by a descriptor, a socket or a mount.
/// So this counts too few, never too many: what it refuses the kernel would refuse as well. The
/// exact count is the kernel's own, <c>inc_ucount</c>, and its ENOSPC has the last word.
/// </remarks>
/// <param name="budgets">The limits.</param>
public sealed class NamespaceTally(NamespaceBudgets budgets)
{
    /// <summary>Names kept of namespaces in which no task stands, so that depth is known.</summary>
    private const int MostNames = 4096;

    private readonly int[] _live = new int[NamespaceTypes.Count];
    private readonly Dictionary<string, ResourceGroup> _named = new(StringComparer.Ordinal);

    /// <summary>How many names are kept.</summary>
    public int Names => _named.Count;

    /// <summary>How many of a type have a task in them.</summary>
    public int Live(NamespaceType type) => _live[(int)type];

    /// <summary>Whether a caller may not make some namespaces.</summary>
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
            NamespaceBudget budget = budgets.Of(type);
            if ((types & type.Flag()) == 0)
            {
                continue;
            }

            if (budget.Depth is { } depth && caller[KindOf(type)].Depth >= depth.Value)
            {
                return Full(NamespaceBudgets.DepthKey(type), depth);
            }

            if (budget.Max is { } max && _live[(int)type] >= max.Value)
            {
                return Full(NamespaceBudgets.MaxKey(type), max);
            }
        }

        return null;
    }

    /// <summary>
    /// What the kernel's refusal means: of a counted type ENOSPC is the policy's limit, though
    /// the kernel's own limits of nesting and the host's of number give it too.
    /// </summary>
    /// <param name="errno">The kernel's.</param>
    /// <param name="types">What was asked for, as CLONE_NEW flags.</param>
    public Refusal Explain(Errno errno, ulong types)
    {
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            if (errno == Errno.ENOSPC && (types & budgets.Counted & type.Flag()) != 0)
            {
                return Full(NamespaceBudgets.MaxKey(type), budgets.Of(type).Max!.Value);
            }
        }

        return new(errno, RefusedBy.Kernel, "kernel");
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
                task.Hold(Make(KindOf(type), task));
            }
        }
    }

    /// <summary>Takes note of where a task went: setns(2) ran well.</summary>
    /// <param name="task">The task.</param>
    /// <param name="type">The type.</param>
    /// <param name="name">The namespace's name; null when it cannot be told.</param>
    public void Entered(GuestTask task, NamespaceType type, string? name)
    {
        if (name is null || !_named.TryGetValue(name, out ResourceGroup? group))
        {
            // Somebody's whom we do not know: nothing may be made below it.
            group = new(KindOf(type), NamespaceBudgets.DepthMost, null);
        }

        task.Hold(group);
    }

    /// <summary>Whether a namespace of a limited type still lacks its name.</summary>
    public bool LacksName(GuestTask task, NamespaceType type) =>
        (budgets.Limited & type.Flag()) != 0 && !task[KindOf(type)].Named;

    /// <summary>Gives the namespace that a task stands in its name.</summary>
    /// <param name="task">The task.</param>
    /// <param name="type">The type.</param>
    /// <param name="name">The link in /proc/PID/ns, unique among all that live.</param>
    public void Name(GuestTask task, NamespaceType type, string name)
    {
        ResourceGroup group = task[KindOf(type)];
        group.Named = true;
        _named[name] = group;
        if (_named.Count > MostNames)
        {
            foreach ((string old, ResourceGroup left) in _named)
            {
                if (left.Members == 0)
                {
                    _named.Remove(old);
                }
            }
        }
    }

    /// <summary>A namespace as a task makes it; of the first task those it was given.</summary>
    internal ResourceGroup Make(ResourceKind kind, GuestTask? maker) => maker is null
        ? new(kind) : new(kind, Math.Min(maker[kind].Depth + 1, NamespaceBudgets.DepthMost), this);

    /// <summary>The first task has come into a namespace, or the last has left it.</summary>
    internal void Add(ResourceKind kind, int count) =>
        _live[kind - ResourceGroup.FirstNamespace] += count;

    private static ResourceKind KindOf(NamespaceType type) =>
        ResourceGroup.FirstNamespace + (int)type;

    private static Refusal Full(string key, Sourced<int> limit) =>
        new(Errno.ENOSPC, RefusedBy.Limit, key, limit.Origin);
}
