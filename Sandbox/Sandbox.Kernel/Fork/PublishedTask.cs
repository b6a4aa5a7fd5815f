using Interpose.Abi;
using Sandbox.Kernel.Tasks;

namespace Sandbox.Kernel.Fork;

/// <summary>
/// Stage 5: the kernel made the child, and it stands still. This is the commit point.
/// </summary>
/// <remarks>
/// Holds: the task, in the table, placed.
/// Took: nothing more; every reservation is now the task's own.
/// Can fail with: nothing. Where the host breaks a promise of stage 4 the task must die, and
/// that is reported as its death.
/// Kernel counterpart: "No more failure paths after this point", <c>attach_pid</c>,
/// <c>cgroup_post_fork</c>.
/// Next: <see cref="RunningTask"/>.
/// </remarks>
public sealed class PublishedTask : Stage
{
    private ReservedTask? _record;

    private PublishedTask()
    {
    }

    /// <summary>What was asked for.</summary>
    public ValidatedClone Clone => _record!.Clone;

    /// <summary>The task that asked; null for the first one of a run.</summary>
    public GuestTask? Caller => _record!.Caller;

    /// <summary>The task.</summary>
    public GuestTask Task => _record!.Task;

    /// <summary>None, or how the host broke its promise: the task must not run.</summary>
    public Errno Broken { get; private set; }

    internal RunningTask Next { get; } = RunningTask.Unreached();

    internal static PublishedTask Unreached() => new();

    internal static PublishedTask Commit(
        [Consumes] ReservedTask reserved, HostTid child, TaskTable table, UnwindScope unwind)
    {
        reserved.Consume();
        unwind.Commit();
        Errno broken = Errno.None;
        for (int i = 0; i < reserved.Placements.Length && broken == Errno.None; i++)
        {
            broken = reserved.Placements[i].Place(child);
        }

        table.Enter(reserved.Task, child);
        PublishedTask next = reserved.Next;
        next.Reach();
        (next._record, next.Broken) = (reserved, broken);
        return next;
    }

    internal override void Clear()
    {
        base.Clear();
        _record = null;
        Next.Clear();
    }
}
