using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using Interpose.Abi;
using Interpose.Placement;
using Policies;
using Sandbox.Kernel;
using Sandbox.Kernel.Fork;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <summary>
/// Holds every task to the section <c>resources</c>: limits, nice, scheduler, affinity and
/// oom_score_adj. A child inherits its creator's values, so only what the creator has moved
/// away from the policy is set anew.
/// </summary>
internal sealed class ResourceController(ResourcePolicy policy) : IForkController
{
    private readonly ImmutableArray<ResourceLimit> _limits = policy.Limits;
    private readonly ulong[] _cpus = CpuSet(policy);
    private readonly ulong[] _affinity = new ulong[TaskAttributes.CpuWords];

    /// <summary>Placements that were used, for later children.</summary>
    private readonly Stack<Placement> _used = new();

    /// <inheritdoc/>
    public string Name => "resources";

    /// <summary>Looks at the creator, whose credentials the child will have.</summary>
    public Result<IPlacement> CanFork(PopulatedTask task)
    {
        Placement placement = _used.TryPop(out Placement? used) ? used : new Placement(this);
        HostTid from = task.Caller?.Tid ?? new HostTid(0);
        Errno errno = PlanLimits(from, task.Clone.Lineage == Lineage.Thread, placement);
        errno = errno == Errno.None ? PlanNice(from, placement) : errno;
        errno = errno == Errno.None ? PlanScheduler(from, placement) : errno;
        errno = errno == Errno.None ? PlanAffinity(from, placement) : errno;
        errno = errno == Errno.None ? PlanOom(from, placement) : errno;
        if (errno == Errno.None)
        {
            return placement;
        }

        placement.Cancel();
        return new Refusal(errno, RefusedBy.Setup, "resources");
    }

    private static ulong[] CpuSet(ResourcePolicy policy)
    {
        var cpus = new ulong[TaskAttributes.CpuWords];
        foreach (int cpu in policy.Affinity.IsDefault ? [] : policy.Affinity)
        {
            cpus[cpu / 64] |= 1UL << (cpu % 64);
        }

        return cpus;
    }

    private static int SchedulerOf(SchedulerReset reset) => reset switch
    {
        SchedulerReset.Batch => SCHED_BATCH,
        SchedulerReset.Idle => SCHED_IDLE,
        _ => SCHED_NORMAL,
    };

    private Errno PlanLimits(HostTid from, bool thread, Placement placement)
    {
        for (int i = 0; i < _limits.Length && !thread; i++)
        {
            ResourceLimit limit = _limits[i];
            Errno errno = TaskAttributes.GetLimit(from, limit.Resource, out rlimit64 now);
            if (errno != Errno.None)
            {
                return errno;
            }

            ulong ceiling = Math.Min(limit.Value, now.rlim_max);
            if (from.Value == 0 || now.rlim_max > ceiling)
            {
                placement.Limits[i] = ceiling;
            }
        }

        return Errno.None;
    }

    private Errno PlanNice(HostTid from, Placement placement)
    {
        if (policy.Nice is not { } least)
        {
            return Errno.None;
        }

        Errno errno = TaskAttributes.GetNice(from, out int now);
        placement.Nice = errno == Errno.None && now < least ? least : null;
        return errno;
    }

    private Errno PlanScheduler(HostTid from, Placement placement)
    {
        if (policy.Scheduler is not { } reset)
        {
            return Errno.None;
        }

        int wanted = SchedulerOf(reset);
        Errno errno = TaskAttributes.GetScheduler(from, out int now);
        placement.Scheduler = errno == Errno.None && now != wanted ? wanted : null;
        return errno;
    }

    private Errno PlanAffinity(HostTid from, Placement placement)
    {
        if (policy.Affinity.IsDefaultOrEmpty)
        {
            return Errno.None;
        }

        ulong[] now = _affinity;
        Errno errno = TaskAttributes.GetAffinity(from, now);
        bool any = false;
        for (int i = 0; i < now.Length; i++)
        {
            placement.Cpus[i] = now[i] & _cpus[i];
            any |= placement.Cpus[i] != 0;
        }

        if (!any)
        {
            _cpus.CopyTo(placement.Cpus, 0);
        }

        placement.Moves = errno == Errno.None && !now.AsSpan().SequenceEqual(placement.Cpus);
        return errno;
    }

    private Errno PlanOom(HostTid from, Placement placement)
    {
        if (policy.OomScoreAdj is not { } least)
        {
            return Errno.None;
        }

        int now = int.MinValue;
        Errno errno = from.Value == 0 ? Errno.None
            : TaskAttributes.GetOomScoreAdj(from, out now);
        placement.OomScoreAdj = errno == Errno.None && now < least ? least : null;
        return errno;
    }

    /// <summary>What one child still needs; nothing is held outside this process.</summary>
    private sealed class Placement(ResourceController owner) : IPlacement
    {
        /// <summary>The ceiling of each limit of the policy, where it has to be set.</summary>
        public ulong?[] Limits { get; } = new ulong?[owner._limits.Length];

        public int? Nice { get; set; }

        public int? Scheduler { get; set; }

        public bool Moves { get; set; }

        public ulong[] Cpus { get; } = new ulong[TaskAttributes.CpuWords];

        public int? OomScoreAdj { get; set; }

        public Errno Place(HostTid child)
        {
            Errno errno = PlaceLimits(child);
            if (errno == Errno.None && Nice is { } nice)
            {
                errno = Living(TaskAttributes.SetNice(child, nice));
            }

            if (errno == Errno.None && Scheduler is { } scheduler)
            {
                errno = Living(TaskAttributes.SetScheduler(child, scheduler));
            }

            if (errno == Errno.None && Moves)
            {
                errno = Living(TaskAttributes.SetAffinity(child, Cpus));
            }

            if (errno == Errno.None && OomScoreAdj is { } adjustment)
            {
                errno = Living(TaskAttributes.SetOomScoreAdj(child, adjustment));
            }

            Cancel();
            return errno;
        }

        public void Commit()
        {
        }

        /// <summary>It is ready for another child.</summary>
        public void Cancel()
        {
            Array.Clear(Limits);
            (Nice, Scheduler, OomScoreAdj, Moves) = (null, null, null, false);
            owner._used.Push(this);
        }

        private Errno PlaceLimits(HostTid child)
        {
            for (int i = 0; i < Limits.Length; i++)
            {
                Errno errno = Limits[i] is not { } most ? Errno.None
                    : Living(TaskAttributes.SetLimit(
                        child, owner._limits[i].Resource,
                        new() { rlim_cur = most, rlim_max = most }));
                if (errno != Errno.None)
                {
                    return errno;
                }
            }

            return Errno.None;
        }

        /// <summary>One that is gone needs nothing.</summary>
        private static Errno Living(Errno errno) =>
            errno == Errno.ESRCH ? Errno.None : errno;
    }
}
