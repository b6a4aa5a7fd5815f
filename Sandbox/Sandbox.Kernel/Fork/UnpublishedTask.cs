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
    private UnpublishedTask(ValidatedClone clone, GuestTask? caller, GuestTask task) =>
        (Clone, Caller, Task) = (clone, caller, task);

    /// <summary>What was asked for.</summary>
    public ValidatedClone Clone { get; }

    /// <summary>The task that asked; null for the first one of a run.</summary>
    public GuestTask? Caller { get; }

    /// <summary>The record.</summary>
    public GuestTask Task { get; }

    internal static Result<UnpublishedTask> Allocate(
        [Consumes] ValidatedClone clone, GuestTask? caller, TaskBudget budget,
        NamespaceTally namespaces, UnwindScope unwind)
    {
        clone.Consume();
        if (caller is not null && namespaces.Exceeded(clone.NewNamespaces, caller) is { } full)
        {
            return full;
        }

        ThreadGroup group = GroupOf(clone, caller);
        if (!TaskCharge.Take(budget, group, unwind).TryGet(out TaskCharge? charge, out Refusal no))
        {
            return no;
        }

        var task = new GuestTask(group) { Charge = charge };
        return new UnpublishedTask(clone, caller, task);
    }

    private static ThreadGroup GroupOf(ValidatedClone clone, GuestTask? caller)
    {
        if (caller is null)
        {
            return new ThreadGroup(null, 0);
        }

        ThreadGroup group = caller.Group;
        return clone.Lineage switch
        {
            Lineage.Thread => group,
            Lineage.Sibling => NewGroup(group.Parent, group),
            _ => NewGroup(group, group),
        };
    }

    private static ThreadGroup NewGroup(ThreadGroup? parent, ThreadGroup creator) =>
        new(parent, creator.Depth + 1) { Program = creator.Program };
}
