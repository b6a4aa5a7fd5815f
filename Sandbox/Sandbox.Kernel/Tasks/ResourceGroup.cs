namespace Sandbox.Kernel.Tasks;

/// <summary>What tasks share or copy when one creates another, a kernel object each.</summary>
public enum ResourceKind
{
    /// <summary>The address space: <c>mm_struct</c>, CLONE_VM.</summary>
    Mm,

    /// <summary>The descriptor table: <c>files_struct</c>, CLONE_FILES.</summary>
    Files,

    /// <summary>Root, working directory and umask: <c>fs_struct</c>, CLONE_FS.</summary>
    Fs,

    /// <summary>Signal handlers: <c>sighand_struct</c>, CLONE_SIGHAND.</summary>
    Sighand,

    /// <summary>Signals and limits of a thread group: <c>signal_struct</c>, CLONE_THREAD.</summary>
    Signal,

    /// <summary>The I/O context: <c>io_context</c>, CLONE_IO.</summary>
    Io,

    /// <summary>System V semaphore adjustments: <c>sem_undo_list</c>, CLONE_SYSVSEM.</summary>
    SemUndo,

    /// <summary>mount_namespaces(7), CLONE_NEWNS. From here on a flag makes a new one.</summary>
    MountNamespace,

    /// <summary>uts_namespaces(7), CLONE_NEWUTS.</summary>
    UtsNamespace,

    /// <summary>ipc_namespaces(7), CLONE_NEWIPC.</summary>
    IpcNamespace,

    /// <summary>user_namespaces(7), CLONE_NEWUSER.</summary>
    UserNamespace,

    /// <summary>pid_namespaces(7), CLONE_NEWPID.</summary>
    PidNamespace,

    /// <summary>network_namespaces(7), CLONE_NEWNET.</summary>
    NetNamespace,

    /// <summary>cgroup_namespaces(7), CLONE_NEWCGROUP.</summary>
    CgroupNamespace,

    /// <summary>time_namespaces(7), CLONE_NEWTIME.</summary>
    TimeNamespace,
}

/// <summary>
/// One kernel object that one or more tasks hold; counted as the kernel counts it.
/// </summary>
/// <param name="kind">What it stands for.</param>
public sealed class ResourceGroup(ResourceKind kind)
{
    /// <summary>How many kinds there are.</summary>
    public const int Kinds = 15;

    /// <summary>What it stands for.</summary>
    public ResourceKind Kind { get; } = kind;

    /// <summary>How many tasks hold it, those being created included.</summary>
    public int Members { get; private set; }

    /// <summary>
    /// Whether a kind is a namespace, which a task keeps unless it asks for another.
    /// </summary>
    public static bool IsNamespace(ResourceKind kind) => kind >= ResourceKind.MountNamespace;

    internal void Join() => Members++;

    internal void Leave()
    {
        Invariant.Check(Members > 0, "a resource group is left only by its members");
        Members--;
    }
}
