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
    private PublishedTask(ReservedTask reserved, Errno broken) =>
        (Clone, Caller, Task, Broken) = (reserved.Clone, reserved.Caller, reserved.Task, broken);

    /// <summary>What was asked for.</summary>
    public ValidatedClone Clone { get; }

    /// <summary>The task that asked; null for the first one of a run.</summary>
    public GuestTask? Caller { get; }

    /// <summary>The task.</summary>
    public GuestTask Task { get; }

    /// <summary>None, or how the host broke its promise: the task must not run.</summary>
    public Errno Broken { get; }

    internal static PublishedTask Commit(
        [Consumes] ReservedTask reserved, HostTid child, TaskTable table, UnwindScope unwind)
    {
        reserved.Consume();
        unwind.Commit();
        Errno broken = Errno.None;
        for (int i = 0; i < reserved.Placements.Count && broken == Errno.None; i++)
        {
            broken = reserved.Placements[i].Place(child);
        }

        table.Enter(reserved.Task, child);
        return new PublishedTask(reserved, broken);
    }
}
