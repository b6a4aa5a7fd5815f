using System.Collections.Generic;
using Policies;
using Sandbox.Kernel.Rules;

namespace RuleFuzz;

/// <summary>A state that the prober can be in, with all that is known of it.</summary>
internal sealed record State(string Name, bool NeedsRoot)
{
    public bool Root { get; init; }

    public bool IsInit { get; init; }

    public bool Pending { get; init; }

    public bool PendingTime { get; init; }

    public bool Dead { get; init; }

    public bool Chrooted { get; init; }

    public int UserLevel { get; init; }

    public int PidLevel { get; init; }

    public bool NProc { get; init; }

    public bool NoDescriptors { get; init; }

    public bool Threads { get; init; }

    /// <summary>Whether children of its own can call unshare and setns there.</summary>
    public bool Namespaces { get; init; } = true;

    /// <summary>Whether tids can be chosen by the tables below.</summary>
    public bool Tids { get; init; } = true;

    /// <summary>CAP_SYS_ADMIN in its own user namespace.</summary>
    public bool SysAdmin { get; init; }

    /// <summary>Whether it runs as the user that made the cgroup.</summary>
    public bool OwnsFiles => Root || UserLevel > 0;

    /// <summary>Every state; those that need root are left out without it.</summary>
    public static IReadOnlyList<State> All { get; } =
    [
        new("root", true) { Root = true, SysAdmin = true },
        new("plain", false),
        new("threads", true) { Root = true, SysAdmin = true, Threads = true, Namespaces = false },
        new("unprivileged", true),
        new("userns", false) { SysAdmin = true, UserLevel = 1 },
        new("init", true)
        {
            Root = true, SysAdmin = true, IsInit = true, PidLevel = 1, Tids = false,
        },
        new("chroot", true) { Root = true, SysAdmin = true, Chrooted = true },
        new("nproc", true) { NProc = true, Namespaces = false },
        new("pending", true)
        {
            Root = true, SysAdmin = true, Pending = true, PidLevel = 1, Tids = false,
            Namespaces = false,
        },
        new("pending_dead", true)
        {
            Root = true, SysAdmin = true, Pending = true, Dead = true, PidLevel = 1, Tids = false,
            Namespaces = false,
        },
        new("timens", true) { Root = true, SysAdmin = true, PendingTime = true },
        new("no_descriptors", true)
        {
            Root = true, SysAdmin = true, NoDescriptors = true, Namespaces = false,
        },
        new("deep_user", false) { SysAdmin = true, UserLevel = 33 },
        new("deep_pid", true)
        {
            Root = true, SysAdmin = true, IsInit = true, PidLevel = 32, Tids = false,
            Namespaces = false,
        },
    ];
}

/// <summary>What is known of the caller of one record.</summary>
internal sealed class Facts(State state, in Record record, int pidMax, bool cgroups) : CallerFacts
{
    private readonly Record _record = record;

    private bool IsChild => _record.EntryPoint is EntryPoint.Unshare or EntryPoint.Setns;

    public override bool? IsInit => state.IsInit && !IsChild;

    public override bool? PidNamespacePending => state.Pending;

    public override bool? TimeNamespacePending => state.PendingTime && !IsChild;

    public override bool? PidNamespaceDead => state.Dead;

    public override bool? IsChrooted => state.Chrooted;

    public override int? UserNamespaceLevel => state.UserLevel;

    public override int? PidNamespaceLevel => state.PidLevel;

    public override bool? IdsMapped => true;

    public override bool? HasSysAdmin => state.SysAdmin;

    public override bool? HasSysAdminOfHost => state.Root;

    public override bool? ProcessLimitReached => state.NProc;

    public override bool? PidsLimitReached => false;

    public override bool? IsDeadline => false;

    public override bool? HasFreeDescriptor => !state.NoDescriptors;

    public override bool? IsMultiThreaded =>
        IsChild ? _record.Partner == Partner.Thread : state.Threads;

    public override bool? SharesFs => _record.Partner is Partner.Fs or Partner.Thread;

    public override bool? SharesSighand => _record.Partner is Partner.Sighand or Partner.Thread;

    public override bool? SharesMm =>
        _record.Partner is Partner.Vm or Partner.Sighand or Partner.Thread;

    public override SetnsTarget? Setns => _record.Fd switch
    {
        DescriptorKind.OwnNamespace => new(
            SetnsTargetKind.Namespace, _record.Namespace, true, true, HasSysAdminThere),
        DescriptorKind.OwnPidFd => new(SetnsTargetKind.Process, 0, true, true, HasSysAdminThere),
        DescriptorKind.DeadPidFd => new(
            SetnsTargetKind.DeadProcess, 0, true, false, HasSysAdminThere),
        DescriptorKind.Directory or DescriptorKind.Pipe => new(
            SetnsTargetKind.Other, 0, false, false, false),
        _ => new(SetnsTargetKind.Closed, 0, false, false, false),
    };

    /// <summary>The namespaces of a user namespace of one's own still belong to the host.</summary>
    private bool HasSysAdminThere => state.Root;

    public override bool? CanWrite(ulong address) =>
        Machine.KindAt(address) is PointerKind.Valid or PointerKind.Unaligned;

    public override CgroupTarget? Cgroup(ulong fd) => _record.Fd switch
    {
        DescriptorKind.Cgroup when cgroups =>
            state.OwnsFiles ? CgroupTarget.Fits : CgroupTarget.NoPermission,
        DescriptorKind.RemovedCgroup when cgroups => CgroupTarget.Removed,
        _ => CgroupTarget.NoCgroup,
    };

    public override bool? MayChooseTids(int level) => state.Root;

    public override int? PidMax(int level) => level == 0 ? pidMax : CreationLimits.Most;

    public override bool? HasReaper(int level) => true;

    public override bool? IsTaken(int level, int tid) => tid is Record.AnyTakenTid or 1;
}
