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

    /// <summary>
    /// user_namespaces(7), CLONE_NEWUSER. From here on a flag makes a new one, and the order is
    /// that of <see cref="Policies.NamespaceType"/>.
    /// </summary>
    UserNamespace,

    /// <summary>mount_namespaces(7), CLONE_NEWNS.</summary>
    MountNamespace,

    /// <summary>
    /// pid_namespaces(7), CLONE_NEWPID: the one that a task's children get.
    /// </summary>
    PidNamespace,

    /// <summary>network_namespaces(7), CLONE_NEWNET.</summary>
    NetNamespace,

    /// <summary>ipc_namespaces(7), CLONE_NEWIPC.</summary>
    IpcNamespace,

    /// <summary>uts_namespaces(7), CLONE_NEWUTS.</summary>
    UtsNamespace,

    /// <summary>cgroup_namespaces(7), CLONE_NEWCGROUP.</summary>
    CgroupNamespace,

    /// <summary>
    /// time_namespaces(7), CLONE_NEWTIME: the one that a task's children get.
    /// </summary>
    TimeNamespace,
}

/// <summary>
/// One kernel object that one or more tasks hold; counted as the kernel counts it.
/// </summary>
public sealed class ResourceGroup
{
    /// <summary>How many kinds there are.</summary>
    public const int Kinds = 15;

    /// <summary>The first kind that is a namespace.</summary>
    public const ResourceKind FirstNamespace = ResourceKind.UserNamespace;

    private readonly TaskRecords _records;
    private NamespaceTally? _tally;
    private bool _exists;

    internal ResourceGroup(TaskRecords records) => _records = records;

    /// <summary>What it stands for.</summary>
    public ResourceKind Kind { get; private set; }

    /// <summary>How many tasks hold it, those being created included.</summary>
    public int Members { get; private set; }

    /// <summary>
    /// Of a namespace, how many were made one within the other down to it; 0 is the run's own.
    /// </summary>
    public int Depth { get; private set; }

    /// <summary>Of a namespace, its link in /proc/PID/ns; null while that is not known.</summary>
    public string? Name { get; internal set; }

    /// <summary>
    /// Whether a kind is a namespace, which a task keeps unless it asks for another.
    /// </summary>
    public static bool IsNamespace(ResourceKind kind) => kind >= FirstNamespace;

    /// <summary>Whether a tally is told of its begin and end.</summary>
    internal bool IsCounted => _tally is not null;

    /// <summary>The record stands for a new object; no limit counts one without a tally.</summary>
    internal void Begin(ResourceKind kind, int depth, NamespaceTally? tally) =>
        (Kind, Depth, _tally, Name) = (kind, depth, tally, null);

    internal void Join() => Members++;

    /// <summary>The kernel has made it.</summary>
    internal void Exists()
    {
        if (!_exists)
        {
            _exists = true;
            _tally?.Begin(this);
        }
    }

    internal void Leave()
    {
        Invariant.Check(Members > 0, "a resource group is left only by its members");
        if (--Members > 0)
        {
            return;
        }

        if (_exists)
        {
            _exists = false;
            _tally?.End(this);
        }

        _records.Return(this);
    }
}
