using System.Collections.Generic;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Fork;

namespace Sandbox.Kernel.Tasks;

/// <summary>Counts what a run's tasks use of the policy's limits.</summary>
/// <param name="limits">The limits.</param>
/// <param name="clock">Time for the rate.</param>
public sealed class TaskBudget(CreationLimits limits, IClock clock)
{
    private const long Second = 1_000_000_000;
    private readonly Queue<long> _recent = new();

    /// <summary>Tasks alive or being created.</summary>
    public int Tasks { get; private set; }

    /// <summary>The most there were at once.</summary>
    public int Peak { get; private set; }

    /// <summary>What a new task of a process would count against.</summary>
    public CreationUsage UsageOf(ThreadGroup group)
    {
        long now = clock.Now;
        while (_recent.TryPeek(out long oldest) && now - oldest >= Second)
        {
            _recent.Dequeue();
        }

        return new(Tasks, group.Threads, group.Depth, _recent.Count);
    }

    internal Refusal? TryTake(ThreadGroup group)
    {
        if (limits.Exceeded(UsageOf(group)) is { } full)
        {
            return new(
                Errno.EAGAIN, RefusedBy.Limit, CreationLimits.Key(full), limits.Of(full)?.Origin);
        }

        if (limits.Of(LimitKind.PerSecond) is not null)
        {
            _recent.Enqueue(clock.Now);
        }

        Tasks++;
        group.Threads++;
        Peak = Tasks > Peak ? Tasks : Peak;
        return null;
    }

    internal void GiveBack(ThreadGroup group)
    {
        Invariant.Check(Tasks > 0 && group.Threads > 0, "a charge is given back once");
        Tasks--;
        group.Threads--;
    }
}

/// <summary>One task's place in the budget, from stage 2 to its end.</summary>
internal sealed class TaskCharge : IReservation
{
    private readonly TaskBudget _budget;
    private readonly ThreadGroup _group;
    private bool _held = true;

    private TaskCharge(TaskBudget budget, ThreadGroup group) =>
        (_budget, _group) = (budget, group);

    public static Result<TaskCharge> Take(TaskBudget budget, ThreadGroup group, UnwindScope unwind)
    {
        if (unwind.Fault("charge") is { } fault)
        {
            return fault;
        }

        if (budget.TryTake(group) is { } refusal)
        {
            return refusal;
        }

        var charge = new TaskCharge(budget, group);
        unwind.Register(charge);
        return charge;
    }

    /// <summary>The charge is now the task's own, until <see cref="Release"/>.</summary>
    public void Commit()
    {
    }

    public void Cancel() => Release();

    /// <summary>The task has ended.</summary>
    public void Release()
    {
        Invariant.Check(_held, "a charge is released once");
        _held = false;
        _budget.GiveBack(_group);
    }
}
