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
    private ReservedTask(PopulatedTask populated, IReadOnlyList<IPlacement> placements)
    {
        (Clone, Caller, Task) = (populated.Clone, populated.Caller, populated.Task);
        Placements = placements;
    }

    /// <summary>What was asked for.</summary>
    public ValidatedClone Clone { get; }

    /// <summary>The task that asked; null for the first one of a run.</summary>
    public GuestTask? Caller { get; }

    /// <summary>The record.</summary>
    public GuestTask Task { get; }

    /// <summary>What stage 5 gives the child, in order.</summary>
    internal IReadOnlyList<IPlacement> Placements { get; }

    internal static Result<ReservedTask> Reserve(
        [Consumes] PopulatedTask populated,
        IReadOnlyList<IForkController> controllers,
        UnwindScope unwind)
    {
        populated.Consume();
        var placements = controllers.Count == 0 ? [] : new IPlacement[controllers.Count];
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

        return new ReservedTask(populated, placements);
    }
}
