using System;
using System.Collections.Immutable;
using Interpose.Abi;
using Policies;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Rules;

/// <summary>
/// Rules that look at the caller's state: from <c>copy_creds</c> to the last check of
/// <c>copy_process</c>.
/// </summary>
internal static class CloneStateRules
{
    private const int MaxUserLevel = 32;
    private const int MaxPidLevel = 32;

    private enum TidProblem
    {
        None,
        Unknown,
        TooMany,
        OutOfRange,
        NoReaper,
        NoCapability,
        Taken,
    }

    /// <summary>What <c>create_user_ns</c> asks.</summary>
    public static ImmutableArray<KernelRule> UserNamespace { get; } =
    [
        new("user namespaces are nested too deep", "create_user_ns", Errno.ENOSPC,
            static (in i) => Has(i, CLONE_NEWUSER) ? i.Caller.UserNamespaceLevel > MaxUserLevel
                : false),
        new("CLONE_NEWUSER in a chroot", "create_user_ns", Errno.EPERM,
            static (in i) => Has(i, CLONE_NEWUSER) ? i.Caller.IsChrooted : false),
        new("CLONE_NEWUSER with ids that are not mapped", "create_user_ns", Errno.EPERM,
            static (in i) => Has(i, CLONE_NEWUSER) ? !i.Caller.IdsMapped : false),
    ];

    /// <summary>What <c>copy_namespaces</c> asks, and the namespaces themselves.</summary>
    public static ImmutableArray<KernelRule> OtherNamespaces { get; } =
    [
        new("namespaces without CAP_SYS_ADMIN", "copy_namespaces", Errno.EPERM,
            static (in i) => (i.Request.Flags & Owned) == 0 || Has(i, CLONE_NEWUSER) ? false
                : !i.Caller.HasSysAdmin),
        new("CLONE_NEWIPC with CLONE_SYSVSEM", "copy_namespaces", Errno.EINVAL,
            static (in i) => i.Request.Entry != EntryPoint.Unshare
                && Has(i, CLONE_NEWIPC | CLONE_SYSVSEM)),
        new("CLONE_NEWPID while a pid namespace is pending", "copy_pid_ns", Errno.EINVAL,
            static (in i) => Has(i, CLONE_NEWPID) ? i.Caller.PidNamespacePending : false),
        new("pid namespaces are nested too deep", "create_pid_namespace", Errno.ENOSPC,
            static (in i) => Has(i, CLONE_NEWPID) ? i.Caller.PidNamespaceLevel >= MaxPidLevel
                : false),
    ];

    /// <summary>All of them, in order.</summary>
    public static ImmutableArray<KernelRule> All { get; } =
    [
        .. UserNamespace, .. Limits(), .. OtherNamespaces, .. Pid(), .. PidFd(), .. Cgroup(),
    ];

    private static ImmutableArray<KernelRule> Limits() =>
    [
        new("RLIMIT_NPROC", "copy_process", Errno.EAGAIN,
            static (in i) => i.Caller.ProcessLimitReached),
        new("SCHED_DEADLINE without SCHED_RESET_ON_FORK", "sched_fork", Errno.EAGAIN,
            static (in i) => i.Caller.IsDeadline),
    ];

    private static ImmutableArray<KernelRule> Pid() =>
    [
        new("a thread area beyond the address space", "do_arch_prctl_64", Errno.EPERM,
            static (in i) => Has(i, CLONE_SETTLS) && i.Request.Tls >= i.Host.TaskSizeMax),
        Tid("set_tid of more levels than there are", Errno.EINVAL, TidProblem.TooMany),
        Tid("set_tid out of range", Errno.EINVAL, TidProblem.OutOfRange),
        Tid("set_tid before the namespace has its init", Errno.EINVAL, TidProblem.NoReaper),
        Tid("set_tid without CAP_CHECKPOINT_RESTORE", Errno.EPERM, TidProblem.NoCapability),
        Tid("set_tid that is in use", Errno.EEXIST, TidProblem.Taken),
        new("the init of the pid namespace has ended", "alloc_pid", Errno.ENOMEM,
            static (in i) => Has(i, CLONE_NEWPID) ? false : i.Caller.PidNamespaceDead),
    ];

    private static ImmutableArray<KernelRule> PidFd() =>
    [
        new("no free descriptor for the pidfd", "pidfd_prepare", Errno.EMFILE,
            static (in i) => Has(i, CLONE_PIDFD) ? !i.Caller.HasFreeDescriptor : false),
        new("pidfd cannot be written", "copy_process", Errno.EFAULT,
            static (in i) => Has(i, CLONE_PIDFD) ? !i.Caller.CanWrite(i.Request.PidFd) : false),
    ];

    private static ImmutableArray<KernelRule> Cgroup() =>
    [
        Target("no cgroup of version 2", Errno.EBADF, CgroupTarget.NoCgroup),
        Target("a removed cgroup", Errno.ENOENT, CgroupTarget.Removed),
        Target("a cgroup without permission", Errno.EACCES, CgroupTarget.NoPermission),
        new("CLONE_INTO_CGROUP of a thread, or into an invalid domain", "cgroup_css_set_fork",
            Errno.EOPNOTSUPP,
            static (in i) => !Has(i, CLONE_INTO_CGROUP) ? false : Has(i, CLONE_THREAD) ? true
                : i.Caller.Cgroup(i.Request.Cgroup) is { } target
                    ? target == CgroupTarget.WrongDomain : null),
        Target("a cgroup with controllers for its children", Errno.EBUSY,
            CgroupTarget.HasInnerControllers),
        new("a pids cgroup is full", "pids_can_fork", Errno.EAGAIN,
            static (in i) => i.Caller.PidsLimitReached),
    ];

    /// <summary>Namespaces that belong to a user namespace: all but that one itself.</summary>
    private const ulong Owned = CloneFlags.Namespaces & ~CLONE_NEWUSER;

    private static bool Has(in RuleInput input, ulong flags) =>
        (input.Request.Flags & flags) == flags;

    private static KernelRule Target(string name, Errno errno, CgroupTarget problem) => new(
        name, "cgroup_css_set_fork", errno,
        (in i) => !Has(i, CLONE_INTO_CGROUP) ? false
            : i.Caller.Cgroup(i.Request.Cgroup) is { } target ? target == problem : null);

    private static KernelRule Tid(string name, Errno errno, TidProblem problem) => new(
        name, "alloc_pid", errno,
        (in i) => FirstTidProblem(i) is var found && found == TidProblem.Unknown ? null
            : found == problem);

    /// <summary>
    /// The first problem with chosen tids. The kernel goes through the namespaces from the
    /// innermost, and takes a number before it looks at the next level.
    /// </summary>
    private static TidProblem FirstTidProblem(in RuleInput input)
    {
        ReadOnlySpan<int> tids = input.Request.SetTid;
        if (tids.IsEmpty)
        {
            return TidProblem.None;
        }

        bool fresh = Has(input, CLONE_NEWPID);
        if (input.Caller.PidNamespaceLevel is not { } outer)
        {
            return TidProblem.Unknown;
        }

        int level = outer + (fresh ? 1 : 0);
        if (tids.Length > level + 1)
        {
            return TidProblem.TooMany;
        }

        for (int i = 0; i < tids.Length; i++, level--)
        {
            TidProblem problem = ProblemAt(input, level, tids[i], fresh && i == 0);
            if (problem != TidProblem.None)
            {
                return problem;
            }
        }

        return TidProblem.None;
    }

    private static TidProblem ProblemAt(in RuleInput input, int level, int tid, bool fresh)
    {
        CallerFacts caller = input.Caller;
        int? most = fresh ? FreshPidMax(input) : caller.PidMax(level);
        if (tid < 1 || tid >= most)
        {
            return TidProblem.OutOfRange;
        }

        bool? reaper = fresh ? false : caller.HasReaper(level);
        if (tid != 1 && reaper == false)
        {
            return TidProblem.NoReaper;
        }

        // Who makes a user namespace with the pid namespace has every capability in its owner.
        bool? may = fresh && Has(input, CLONE_NEWUSER) ? true
            : fresh ? caller.HasSysAdmin : caller.MayChooseTids(level);
        if (may == false)
        {
            return TidProblem.NoCapability;
        }

        bool? taken = fresh ? false : caller.IsTaken(level, tid);
        return most is null || (tid != 1 && reaper is null) || may is null || taken is null
            ? TidProblem.Unknown : taken.Value ? TidProblem.Taken : TidProblem.None;
    }

    /// <summary>pid_max is one for all namespaces before 6.14, then each begins anew.</summary>
    private static int? FreshPidMax(in RuleInput input) =>
        input.Host.Version.IsAtLeast(new(6, 14)) ? CreationLimits.Most : input.Caller.PidMax(0);
}
