using System;
using System.Collections.Generic;
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
    private readonly ulong[] _cpus = CpuSet(policy);

    /// <inheritdoc/>
    public string Name => "resources";

    /// <summary>Looks at the creator, whose credentials the child will have.</summary>
    public Result<IPlacement> CanFork(PopulatedTask task)
    {
        var placement = new Placement();
        HostTid from = task.Caller?.Tid ?? new HostTid(0);
        Errno errno = PlanLimits(from, task.Clone.Lineage == Lineage.Thread, placement);
        errno = errno == Errno.None ? PlanNice(from, placement) : errno;
        errno = errno == Errno.None ? PlanScheduler(from, placement) : errno;
        errno = errno == Errno.None ? PlanAffinity(from, placement) : errno;
        errno = errno == Errno.None ? PlanOom(from, placement) : errno;
        return errno == Errno.None
            ? placement : new Refusal(errno, RefusedBy.Setup, "resources");
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

    private Errno PlanLimits(HostTid from, bool thread, Placement placement)
    {
        foreach (ResourceLimit limit in policy.Limits)
        {
            if (thread)
            {
                continue;
            }

            Errno errno = TaskAttributes.GetLimit(from, limit.Resource, out rlimit64 now);
            if (errno != Errno.None)
            {
                return errno;
            }

            var ceiling = new rlimit64
            {
                rlim_cur = Math.Min(limit.Value, now.rlim_max),
                rlim_max = Math.Min(limit.Value, now.rlim_max),
            };
            if (from.Value == 0 || now.rlim_max > ceiling.rlim_max)
            {
                int resource = limit.Resource;
                placement.Add(child => TaskAttributes.SetLimit(child, resource, ceiling));
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
        if (errno == Errno.None && now < least)
        {
            placement.Add(child => TaskAttributes.SetNice(child, least));
        }

        return errno;
    }

    private Errno PlanScheduler(HostTid from, Placement placement)
    {
        if (policy.Scheduler is not { } reset)
        {
            return Errno.None;
        }

        int wanted = reset switch
        {
            SchedulerReset.Batch => SCHED_BATCH,
            SchedulerReset.Idle => SCHED_IDLE,
            _ => SCHED_NORMAL,
        };
        Errno errno = TaskAttributes.GetScheduler(from, out int now);
        if (errno == Errno.None && now != wanted)
        {
            placement.Add(child => TaskAttributes.SetScheduler(child, wanted));
        }

        return errno;
    }

    private Errno PlanAffinity(HostTid from, Placement placement)
    {
        if (policy.Affinity.IsDefaultOrEmpty)
        {
            return Errno.None;
        }

        var now = new ulong[TaskAttributes.CpuWords];
        Errno errno = TaskAttributes.GetAffinity(from, now);
        var both = new ulong[now.Length];
        bool any = false;
        for (int i = 0; i < now.Length; i++)
        {
            both[i] = now[i] & _cpus[i];
            any |= both[i] != 0;
        }

        ulong[] set = any ? both : _cpus;
        if (errno == Errno.None && !now.AsSpan().SequenceEqual(set))
        {
            placement.Add(child => TaskAttributes.SetAffinity(child, set));
        }

        return errno;
    }

    private Errno PlanOom(HostTid from, Placement placement)
    {
        if (policy.OomScoreAdj is not { } least)
        {
            return Errno.None;
        }

        if (from.Value == 0)
        {
            placement.Add(child => TaskAttributes.SetOomScoreAdj(child, least));
            return Errno.None;
        }

        Errno errno = TaskAttributes.GetOomScoreAdj(from, out int now);
        if (errno == Errno.None && now < least)
        {
            placement.Add(child => TaskAttributes.SetOomScoreAdj(child, least));
        }

        return errno;
    }

    /// <summary>What one child still needs; nothing is held outside this process.</summary>
    private sealed class Placement : IPlacement
    {
        private readonly List<Func<HostTid, Errno>> _settings = [];

        public void Add(Func<HostTid, Errno> setting) => _settings.Add(setting);

        public Errno Place(HostTid child)
        {
            foreach (Func<HostTid, Errno> setting in _settings)
            {
                Errno errno = setting(child);
                if (errno != Errno.None && errno != Errno.ESRCH)
                {
                    return errno;
                }
            }

            return Errno.None;
        }

        public void Commit()
        {
        }

        public void Cancel()
        {
        }
    }
}
