using System;
using System.Collections.Generic;
using Sandbox.Kernel.Tasks;

namespace Sandbox.Kernel.Fork;

/// <summary>
/// Stage 4: everything the child will need is held, and nothing that is left to do can fail.
/// </summary>
/// <remarks>
/// Holds: the record and one placement of each controller.
/// Took: what each controller reserved.
/// Can fail with: a controller's errno; EINTR when the caller died meanwhile.
/// Kernel counterpart: <c>sched_fork</c>, <c>alloc_pid</c>, <c>cgroup_can_fork</c>,
/// <c>sched_cgroup_fork</c>.
/// Next: the guest's call is resumed; <see cref="PublishedTask"/> when the kernel made the
/// child, unwound when it refused.
/// </remarks>
public sealed class ReservedTask : Stage
{
    private PopulatedTask? _record;
    private IPlacement[] _placements = [];

    private ReservedTask()
    {
    }

    /// <summary>What was asked for.</summary>
    public ValidatedClone Clone => _record!.Clone;

    /// <summary>The task that asked; null for the first one of a run.</summary>
    public GuestTask? Caller => _record!.Caller;

    /// <summary>The record.</summary>
    public GuestTask Task => _record!.Task;

    /// <summary>What stage 5 gives the child, in order.</summary>
    internal ReadOnlySpan<IPlacement> Placements => _placements;

    internal PublishedTask Next { get; } = PublishedTask.Unreached();

    internal static ReservedTask Unreached() => new();

    internal static Result<ReservedTask> Reserve(
        [Consumes] PopulatedTask populated,
        IReadOnlyList<IForkController> controllers,
        UnwindScope unwind)
    {
        populated.Consume();
        ReservedTask next = populated.Next;
        if (next._placements.Length != controllers.Count)
        {
            next._placements = new IPlacement[controllers.Count];
        }

        IPlacement[] placements = next._placements;
        for (int i = 0; i < placements.Length; i++)
        {
            if (unwind.Fault(controllers[i].Name) is { } fault)
            {
                return fault;
            }

            Result<IPlacement> placement = controllers[i].CanFork(populated);
            if (!placement.TryGet(out placements[i]!, out Refusal refusal))
            {
                return refusal;
            }

            unwind.Register(placements[i]);
        }

        if (unwind.Fault("last checks") is { } late)
        {
            return late;
        }

        next.Reach();
        next._record = populated;
        return next;
    }

    internal override void Clear()
    {
        base.Clear();
        _record = null;
        Array.Clear(_placements);
        Next.Clear();
    }
}
