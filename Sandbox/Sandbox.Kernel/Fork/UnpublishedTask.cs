using Sandbox.Kernel.Tasks;

namespace Sandbox.Kernel.Fork;

/// <summary>
/// Stage 2: a task record that is in no table yet, with its place in the budget taken.
/// </summary>
/// <remarks>
/// Holds: the validated request and the record.
/// Took: one charge for tasks, threads, depth and rate.
/// Can fail with: EAGAIN when a limit of the policy is used up, ENOSPC for a
/// namespace that is too deep.
/// Kernel counterpart: <c>dup_task_struct</c>, <c>copy_creds</c>, RLIMIT_NPROC, max_threads.
/// Next: <see cref="PopulatedTask"/>.
/// </remarks>
public sealed class UnpublishedTask : Stage
{
    private ValidatedClone? _clone;
    private GuestTask? _task;

    private UnpublishedTask()
    {
    }

    /// <summary>What was asked for.</summary>
    public ValidatedClone Clone => _clone!;

    /// <summary>The task that asked; null for the first one of a run.</summary>
    public GuestTask? Caller { get; private set; }

    /// <summary>The record.</summary>
    public GuestTask Task => _task!;

    internal PopulatedTask Next { get; } = PopulatedTask.Unreached();

    internal static UnpublishedTask Unreached() => new();

    internal static Result<UnpublishedTask> Allocate(
        [Consumes] ValidatedClone clone, GuestTask? caller, TaskRecords records,
        TaskBudget budget, NamespaceTally namespaces, UnwindScope unwind)
    {
        clone.Consume();
        if (caller is not null && namespaces.Exceeded(clone.NewNamespaces, caller) is { } full)
        {
            return full;
        }

        GuestTask task = records.Task(GroupOf(clone, caller, records));
        unwind.Register(task.Record);
        if (task.Charge.Take(budget, task.Group, unwind) is { } no)
        {
            return no;
        }

        UnpublishedTask next = clone.Next;
        next.Reach();
        (next._clone, next.Caller, next._task) = (clone, caller, task);
        return next;
    }

    internal override void Clear()
    {
        base.Clear();
        (_clone, Caller, _task) = (null, null, null);
        Next.Clear();
    }

    private static ThreadGroup GroupOf(
        ValidatedClone clone, GuestTask? caller, TaskRecords records)
    {
        if (caller is null)
        {
            return records.Process(null, 0, null);
        }

        ThreadGroup group = caller.Group;
        return clone.Lineage == Lineage.Thread ? group : records.Process(
            clone.Lineage == Lineage.Sibling ? group.Parent : group, group.Depth + 1,
            group.Program);
    }
}
