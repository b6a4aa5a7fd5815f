using System.Collections.Immutable;

namespace Policies;

/// <summary>The scheduling policies that a run can be reset to: sched(7).</summary>
public enum SchedulerReset
{
    /// <summary>SCHED_OTHER, called SCHED_NORMAL in the kernel.</summary>
    Other,

    /// <summary>SCHED_BATCH.</summary>
    Batch,

    /// <summary>SCHED_IDLE.</summary>
    Idle,
}

/// <summary>
/// One limit of setrlimit(2): both soft and hard become <paramref name="Value"/>.
/// </summary>
/// <param name="Resource">RLIMIT_* number.</param>
/// <param name="Value">In the resource's own unit: bytes, seconds or a count.</param>
/// <param name="Key">The policy key that asked, for messages.</param>
public readonly record struct ResourceLimit(int Resource, ulong Value, string Key);

/// <summary>The section <c>resources</c> of a policy, as far as it is of the task itself.</summary>
/// <param name="Limits">Ceilings of setrlimit(2).</param>
/// <param name="Nice">Least nice value, -20 to 19.</param>
/// <param name="Scheduler">Scheduling policy that tasks are put back to.</param>
/// <param name="Affinity">CPU numbers that tasks may run on, ascending; empty is all.</param>
/// <param name="OomScoreAdj">Least oom_score_adj, -1000 to 1000: proc_pid_oom_score_adj(5).</param>
public sealed record ResourcePolicy(
    ImmutableArray<ResourceLimit> Limits,
    int? Nice = null,
    SchedulerReset? Scheduler = null,
    ImmutableArray<int> Affinity = default,
    int? OomScoreAdj = null)
{
    /// <summary>No demands: tasks keep what they inherit.</summary>
    public static ResourcePolicy None { get; } = new([], Affinity: []);

    /// <summary>Whether there is anything to enforce.</summary>
    public bool IsEmpty => Limits.IsEmpty && Nice is null && Scheduler is null
        && Affinity.IsDefaultOrEmpty && OomScoreAdj is null;
}
