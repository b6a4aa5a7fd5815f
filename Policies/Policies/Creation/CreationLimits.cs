using System.Collections.Generic;
using System.Collections.Immutable;

namespace Policies;

/// <summary>What a limit counts.</summary>
public enum LimitKind
{
    /// <summary>Live tasks (threads and processes) of the run.</summary>
    Tasks,

    /// <summary>Live threads of one process.</summary>
    Threads,

    /// <summary>Length of the chain from the first process to a new one.</summary>
    Depth,

    /// <summary>Creations within any one second.</summary>
    PerSecond,
}

/// <summary>How many tasks a run uses at the moment of a request.</summary>
/// <param name="Tasks">Live tasks, those being created included.</param>
/// <param name="Threads">The same, of the process that the new task will belong to.</param>
/// <param name="Depth">Depth of that process.</param>
/// <param name="LastSecond">Creations that were let through within the last second.</param>
public readonly record struct CreationUsage(int Tasks, int Threads, int Depth, int LastSecond);

/// <summary>The section <c>creation.limits</c>; a limit that is not set is none of ours.</summary>
/// <param name="Limits">By <see cref="LimitKind"/>; null for no limit.</param>
public sealed record CreationLimits(ImmutableArray<Sourced<int>?> Limits)
{
    /// <summary>How many limits there are.</summary>
    public const int Count = 4;

    /// <summary>The most that can be asked for: PID_MAX_LIMIT of the kernel.</summary>
    public const int Most = 4_194_304;

    /// <summary>No limit at all.</summary>
    public static CreationLimits None { get; } = new([null, null, null, null]);

    /// <summary>Whether nothing is limited.</summary>
    public bool IsEmpty
    {
        get
        {
            foreach (Sourced<int>? limit in Limits)
            {
                if (limit is not null)
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>A limit; null when it is not set.</summary>
    public Sourced<int>? Of(LimitKind kind) => Limits[(int)kind];

    /// <summary>The same limits but for one.</summary>
    public CreationLimits With(LimitKind kind, Sourced<int> limit) =>
        new(Limits.SetItem((int)kind, limit));

    /// <summary>
    /// The first limit that one task more would break; null when none. A pure function.
    /// </summary>
    public LimitKind? Exceeded(in CreationUsage usage) =>
        IsFull(LimitKind.Tasks, usage.Tasks) ? LimitKind.Tasks
        : IsFull(LimitKind.Threads, usage.Threads) ? LimitKind.Threads
        : IsFull(LimitKind.Depth, usage.Depth - 1) ? LimitKind.Depth
        : IsFull(LimitKind.PerSecond, usage.LastSecond) ? LimitKind.PerSecond
        : null;

    /// <summary>The limits that are set, by key.</summary>
    public IEnumerable<(string Key, Sourced<int> Limit)> Set()
    {
        for (int i = 0; i < Count; i++)
        {
            if (Limits[i] is { } limit)
            {
                yield return (Key((LimitKind)i), limit);
            }
        }
    }

    /// <summary>The key of a limit in a policy.</summary>
    public static string Key(LimitKind kind) => kind switch
    {
        LimitKind.Tasks => "creation.limits.tasks",
        LimitKind.Threads => "creation.limits.threads",
        LimitKind.Depth => "creation.limits.depth",
        _ => "creation.limits.per_second",
    };

    private bool IsFull(LimitKind kind, int used) => Of(kind) is { } limit && used >= limit.Value;
}
