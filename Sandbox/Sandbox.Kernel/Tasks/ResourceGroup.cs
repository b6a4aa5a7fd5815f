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
}

/// <summary>
/// One kernel object that one or more tasks hold; counted as the kernel counts it.
/// </summary>
/// <param name="kind">What it stands for.</param>
public sealed class ResourceGroup(ResourceKind kind)
{
    /// <summary>How many kinds there are.</summary>
    public const int Kinds = 7;

    /// <summary>What it stands for.</summary>
    public ResourceKind Kind { get; } = kind;

    /// <summary>How many tasks hold it, those being created included.</summary>
    public int Members { get; private set; }

    internal void Join() => Members++;

    internal void Leave()
    {
        Invariant.Check(Members > 0, "a resource group is left only by its members");
        Members--;
    }
}
