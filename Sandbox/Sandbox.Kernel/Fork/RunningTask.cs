using Sandbox.Kernel.Tasks;

namespace Sandbox.Kernel.Fork;

/// <summary>
/// Stage 6: the child runs.
/// </summary>
/// <remarks>
/// Holds: the task.
/// Took: nothing.
/// Can fail with: nothing.
/// Kernel counterpart: <c>wake_up_new_task</c>, <c>wait_for_vfork_done</c>.
/// Next: the task's own life; its end gives back what it holds.
/// </remarks>
public sealed class RunningTask : Stage
{
    private GuestTask? _task;

    private RunningTask()
    {
    }

    /// <summary>The task.</summary>
    public GuestTask Task => _task!;

    internal static RunningTask Unreached() => new();

    internal static RunningTask WakeUp([Consumes] PublishedTask published)
    {
        published.Consume();
        GuestTask task = published.Task;
        task.State = TaskState.Running;
        task.VforkParent = published.Clone.SuspendsCaller ? published.Caller : null;
        RunningTask next = published.Next;
        next.Reach();
        next._task = task;
        return next;
    }

    internal override void Clear()
    {
        base.Clear();
        _task = null;
    }
}
