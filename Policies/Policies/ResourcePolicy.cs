using System;
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

/// <summary>What a run as a whole may use; null is no limit.</summary>
/// <param name="Memory">Bytes of memory of all tasks together: a memory cgroup.</param>
/// <param name="Swap">Bytes of swap besides; none where it is not said.</param>
/// <param name="Cpu">Processors that all tasks together may use, such as 1.5.</param>
/// <param name="IoWeight">Share of disk time against others, 1 to 10000.</param>
/// <param name="Output">Bytes that may be written to standard output and error.</param>
/// <param name="KillTogether">Whether all of it ends when memory runs out.</param>
/// <param name="Wall">How long it may take.</param>
/// <param name="Idle">How long no task of it may have used a processor.</param>
public sealed record RunLimits(
    ulong? Memory = null,
    ulong? Swap = null,
    double? Cpu = null,
    int? IoWeight = null,
    ulong? Output = null,
    bool KillTogether = false,
    TimeSpan? Wall = null,
    TimeSpan? Idle = null)
{
    /// <summary>No limits.</summary>
    public static RunLimits None { get; } = new();

    /// <summary>Whether there is one that takes a cgroup.</summary>
    public bool NeedCgroup => Memory is not null || Cpu is not null || IoWeight is not null;
}

/// <summary>The section <c>resources</c> of a policy.</summary>
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

    /// <summary>What the run as a whole is held to.</summary>
    public RunLimits Run { get; init; } = RunLimits.None;

    /// <summary>Whether there is nothing that each task is held to.</summary>
    public bool IsEmpty => Limits.IsEmpty && Nice is null && Scheduler is null
        && Affinity.IsDefaultOrEmpty && OomScoreAdj is null;
}
