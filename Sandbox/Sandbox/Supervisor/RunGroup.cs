using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using Interpose.Abi;
using Interpose.Cgroups;
using Interpose.Launch;
using Interpose.Placement;
using Policies;
using Sandbox.Kernel;
using Sandbox.Kernel.Fork;
using Sandbox.Reports;

namespace Sandbox.Supervisor;

/// <summary>
/// The cgroup of a run: made, limited and opened before the first task is asked for, which the
/// launch places in it. Every later task is born into it.
/// </summary>
internal sealed class RunGroup : IForkController, IDisposable
{
    private readonly RunCgroup _group;
    private readonly CgroupSpec _spec;
    private readonly CgroupTree _tree;
    private readonly ulong[] _cpus;
    private readonly Log _log;
    private readonly Placement _first;
    private readonly Placement _others = new(null);
    private long _oomKills;

    private RunGroup(
        RunCgroup group, CgroupSpec spec, CgroupTree tree, ulong[] cpus, Log log) =>
        (_group, _spec, _tree, _cpus, _log, _first) = (group, spec, tree, cpus, log, new(this));

    /// <inheritdoc/>
    public string Name => "cgroup";

    /// <summary>
    /// The launch of the first task, into the group. Where the run has files of its own it sees
    /// the group at the root of each hierarchy, where language runtimes look for their limits.
    /// </summary>
    public LaunchSpec Launch(LaunchSpec launch)
    {
        launch = launch with { Groups = _group.Entrances };
        if (launch.Isolation is not { Files: { } files } isolation)
        {
            return launch;
        }

        foreach (string directory in _group.Directories)
        {
            files = files.Showing(directory, _tree.RootOf(directory));
        }

        return launch with { Isolation = isolation with { Files = files } };
    }

    /// <summary>
    /// Makes the group; where the host cannot give a limit that the policy may go without, one
    /// without that limit.
    /// </summary>
    /// <returns>Null where no limit needs a group, or none is left that does.</returns>
    /// <exception cref="SetupException">There is none to be had.</exception>
    [SuppressMessage(
        "Reliability", "CA2000", Justification = "What is returned disposes of the group.")]
    public static RunGroup? For(
        Policy policy, Log log, out List<(Protection Protection, string Why)> missing)
    {
        missing = [];
        RunLimits limits = policy.Resources.Run;
        if (!limits.NeedCgroup)
        {
            return null;
        }

        CgroupTree tree = CgroupTree.Read();
        DeadGroups.Sweep(tree);

        // The init process of a run's own pids stands in the group as well.
        int? tasks = policy.Creation.Limits.Of(LimitKind.Tasks)?.Value
            + (policy.Isolation.Has(NamespaceType.Pid) ? 1 : 0);
        var spec = new CgroupSpec(
            limits.Memory, limits.Swap, limits.Cpu, limits.IoWeight, tasks, limits.KillTogether);
        string? unasked = null;
        while (spec.Memory is not null || spec.Cpu is not null || spec.IoWeight is not null)
        {
            RunCgroup? group = RunCgroup.Create(
                tree, spec, RunName.Own.ToString(), out CgroupFailure? failure);
            if (group is not null)
            {
                return new(group, spec, tree, Processors(policy), log);
            }

            if (unasked is null && IsUndelegated(tree, failure!))
            {
                unasked = SystemdScope.Enter(RunName.Own.ToString()) ?? "in vain";
                tree = CgroupTree.Read();
                continue;
            }

            Protection part = failure!.Part switch
            {
                "memory" => Protection.Memory,
                "cpu" => Protection.Cpu,
                _ => Protection.IoWeight,
            };
            if (!policy.MayDegrade(part))
            {
                throw new SetupException(
                    $"resources.{part.Name()}: cannot {failure.Step}", failure.Object,
                    failure.Errno, Remedy(part, failure, unasked));
            }

            missing.Add((part, $"{failure.Step} {failure.Object}: {failure.Errno.Describe()}"));
            spec = part switch
            {
                Protection.Memory => spec with { Memory = null, Swap = null },
                Protection.Cpu => spec with { Cpu = null },
                _ => spec with { IoWeight = null },
            };
        }

        return null;
    }

    /// <summary>Stage 4. Only the first task is set up; the others follow it.</summary>
    public Result<IPlacement> CanFork(PopulatedTask task) =>
        task.Caller is null ? _first : _others;

    /// <summary>
    /// Whether the OOM killer has ended a task of the group since this was last asked.
    /// </summary>
    public bool RanOutOfMemory()
    {
        long kills = _group.OomKills;
        bool more = kills > _oomKills;
        _oomKills = kills;
        return more;
    }

    /// <summary>
    /// The command has become a program and has run nothing of it: from here on its limit holds.
    /// </summary>
    /// <returns>Null, or why it cannot.</returns>
    public string? Begin() => _group.Lower(_spec) is not { } failure ? null
        : $"resources.{failure.Part}: cannot {failure.Step} {failure.Object}: "
            + failure.Errno.Describe()
            + (failure.Errno == Errno.EBUSY ? "; the command has more than that from its start"
                : string.Empty);

    /// <summary>Kills all that is in it, in one moment, where the kernel can.</summary>
    public void Kill() => _group.Kill();

    /// <summary>What was used; then takes the group away.</summary>
    public CgroupUse End()
    {
        CgroupUse use = _group.Use();
        Errno errno = _group.Remove();
        if (errno != Errno.None)
        {
            _log.Warn(
                "the cgroup of the run is left: {Directory}: {Errno}; 'sandbox gc' removes it",
                string.Join(", ", _group.Directories), errno.Describe());
        }

        return use;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _group.Remove();
        _group.Dispose();
    }

    /// <summary>Whether a scope of systemd's could be better than where this process is.</summary>
    private static bool IsUndelegated(CgroupTree tree, CgroupFailure failure)
    {
        string controller = failure.Part == "io_weight" ? "io" : failure.Part;
        return tree.Unified is not null && tree.Of(controller) is not { Unified: false }
            && failure.Errno is Errno.EACCES or Errno.EPERM or Errno.EROFS or Errno.EBUSY
                or Errno.ENOENT;
    }

    private static string Remedy(Protection part, CgroupFailure failure, string? unasked)
    {
        string systemd = string.IsNullOrEmpty(unasked) ? string.Empty
            : $" (systemd was asked for one: {unasked})";
        string mend = failure.Errno switch
        {
            Errno.EAGAIN or Errno.ENOSPC when failure.Step == "mkdir" => "no more groups may be "
                + "made there (cgroup.max.descendants, cgroup.max.depth); 'sandbox gc' removes "
                + "those of dead runs",
            Errno.ENODEV or Errno.EAGAIN => "somebody removed the group meanwhile; run it again",
            _ => "run it as root, or in a scope that is delegated: 'systemd-run --user --scope "
                + $"-p Delegate=yes sandbox run ...'{systemd}; 'sandbox doctor' tells more",
        };
        return $"{mend}; with 'degrade: [{part.Name()}]' it runs without";
    }

    /// <summary>
    /// As many of the processors that we may use as the policy gives, rounded up: what programs
    /// count when they choose how many threads to start. Where runs take them from varies, or
    /// all would share the first ones. Empty where it is not limited, or set by affinity.
    /// </summary>
    private static ulong[] Processors(Policy policy)
    {
        var mine = new ulong[TaskAttributes.CpuWords];
        if (policy.Resources.Run.Cpu is not { } wanted
            || !policy.Resources.Affinity.IsDefaultOrEmpty
            || TaskAttributes.GetAffinity(new HostTid(0), mine) != Errno.None)
        {
            return [];
        }

        var numbers = new List<int>();
        for (int cpu = 0; cpu < mine.Length * 64; cpu++)
        {
            if ((mine[cpu / 64] & (1UL << (cpu % 64))) != 0)
            {
                numbers.Add(cpu);
            }
        }

        int count = (int)Math.Ceiling(wanted);
        if (count >= numbers.Count)
        {
            return [];
        }

        var chosen = new ulong[TaskAttributes.CpuWords];
        for (int i = 0; i < count; i++)
        {
            int cpu = numbers[(Environment.ProcessId + i) % numbers.Count];
            chosen[cpu / 64] |= 1UL << (cpu % 64);
        }

        return chosen;
    }

    /// <summary>The first task's processors; none for the others, which inherit them.</summary>
    private sealed class Placement(RunGroup? group) : IPlacement
    {
        public Errno Place(HostTid child)
        {
            ulong[] cpus = group?._cpus ?? [];
            return cpus.Length > 0 ? TaskAttributes.SetAffinity(child, cpus) : Errno.None;
        }

        public void Commit()
        {
        }

        public void Cancel()
        {
        }
    }
}
