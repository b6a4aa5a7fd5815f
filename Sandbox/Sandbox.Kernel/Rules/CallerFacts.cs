namespace Sandbox.Kernel.Rules;

/// <summary>What is known of the kernel that judges in the end.</summary>
/// <param name="Version">Its version.</param>
/// <param name="OpenUserNamespaces">
/// Debian's <c>kernel.unprivileged_userns_clone</c>; true for kernels without it.
/// </param>
/// <param name="FiveLevels">
/// Page tables have five levels, so that addresses of a process have 56 bits and not 47.
/// </param>
public readonly record struct HostFacts(
    KernelVersion Version, bool OpenUserNamespaces = true, bool FiveLevels = false)
{
    private const ulong Page = 4096;

    /// <summary>The end of the addresses of a process: <c>TASK_SIZE_MAX</c>.</summary>
    public ulong TaskSizeMax => (1UL << (FiveLevels ? 56 : 47)) - Page;
}

/// <summary>
/// What a cgroup descriptor of CLONE_INTO_CGROUP comes to: <c>cgroup_css_set_fork</c>.
/// </summary>
public enum CgroupTarget
{
    /// <summary>A cgroup that takes the child.</summary>
    Fits,

    /// <summary>No descriptor of a directory of cgroup v2.</summary>
    NoCgroup,

    /// <summary>Its directory was removed.</summary>
    Removed,

    /// <summary>The caller may not write its <c>cgroup.procs</c>.</summary>
    NoPermission,

    /// <summary>It is of an invalid domain, or the call is for a thread.</summary>
    WrongDomain,

    /// <summary>It gives controllers to its children: no process may be inside.</summary>
    HasInnerControllers,
}

/// <summary>
/// What is known of the calling task. Null is "unknown": from the first rule on that needs such
/// a fact the kernel is left to judge.
/// </summary>
public class CallerFacts
{
    /// <summary>Nothing is known but the request.</summary>
    public static CallerFacts Unknown { get; } = new();

    /// <summary>A task that has made no namespace and is the init of none.</summary>
    public static CallerFacts Ordinary { get; } = new OrdinaryCaller();

    /// <summary>It is the init of a pid namespace: <c>SIGNAL_UNKILLABLE</c>.</summary>
    public virtual bool? IsInit => null;

    /// <summary>Its children get another pid namespace than its own: unshare(2).</summary>
    public virtual bool? PidNamespacePending => null;

    /// <summary>Its children get another time namespace than its own.</summary>
    public virtual bool? TimeNamespacePending => null;

    /// <summary>The init of the pid namespace that its children get has ended.</summary>
    public virtual bool? PidNamespaceDead => null;

    /// <summary>Its root is not that of its mount namespace: <c>current_chrooted</c>.</summary>
    public virtual bool? IsChrooted => null;

    /// <summary>Nesting of its user namespace; 0 is the initial one.</summary>
    public virtual int? UserNamespaceLevel => null;

    /// <summary>Nesting of the pid namespace that its children get; 0 is the initial one.</summary>
    public virtual int? PidNamespaceLevel => null;

    /// <summary>Its effective ids are mapped in its user namespace.</summary>
    public virtual bool? IdsMapped => null;

    /// <summary>CAP_SYS_ADMIN in its user namespace.</summary>
    public virtual bool? HasSysAdmin => null;

    /// <summary>CAP_SYS_ADMIN in the initial user namespace.</summary>
    public virtual bool? HasSysAdminOfHost => null;

    /// <summary>
    /// One task more would be beyond RLIMIT_NPROC, and nothing exempts it from that.
    /// </summary>
    public virtual bool? ProcessLimitReached => null;

    /// <summary>One task more would be beyond a pids cgroup's limit.</summary>
    public virtual bool? PidsLimitReached => null;

    /// <summary>SCHED_DEADLINE without SCHED_RESET_ON_FORK: sched(7).</summary>
    public virtual bool? IsDeadline => null;

    /// <summary>There is a free descriptor below RLIMIT_NOFILE.</summary>
    public virtual bool? HasFreeDescriptor => null;

    /// <summary>More than one thread in its process.</summary>
    public virtual bool? IsMultiThreaded => null;

    /// <summary>Somebody shares its <c>fs_struct</c>.</summary>
    public virtual bool? SharesFs => null;

    /// <summary>Somebody shares its <c>sighand_struct</c>.</summary>
    public virtual bool? SharesSighand => null;

    /// <summary>Somebody shares its <c>mm_struct</c>.</summary>
    public virtual bool? SharesMm => null;

    /// <summary>The descriptor of a setns(2).</summary>
    public virtual SetnsTarget? Setns => null;

    /// <summary>Whether four bytes can be written at an address.</summary>
    public virtual bool? CanWrite(ulong address) => null;

    /// <summary>What a descriptor for CLONE_INTO_CGROUP comes to.</summary>
    public virtual CgroupTarget? Cgroup(ulong fd) => null;

    /// <summary>
    /// CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE in the owner of a pid namespace.
    /// </summary>
    /// <param name="level">Its nesting; 0 is the initial one.</param>
    public virtual bool? MayChooseTids(int level) => null;

    /// <summary>The end of the numbers of a pid namespace.</summary>
    public virtual int? PidMax(int level) => null;

    /// <summary>A pid namespace has its init already.</summary>
    public virtual bool? HasReaper(int level) => null;

    /// <summary>A number of a pid namespace is in use.</summary>
    public virtual bool? IsTaken(int level, int tid) => null;

    private sealed class OrdinaryCaller : CallerFacts
    {
        public override bool? IsInit => false;

        public override bool? PidNamespacePending => false;

        public override bool? TimeNamespacePending => false;
    }
}
