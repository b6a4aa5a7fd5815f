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
    private readonly LinkedList<long> _recent = new();

    /// <summary>Tasks alive or being created.</summary>
    public int Tasks { get; private set; }

    /// <summary>The most there were at once.</summary>
    public int Peak { get; private set; }

    /// <summary>What a new task of a process would count against.</summary>
    public CreationUsage UsageOf(ThreadGroup group)
    {
        long now = clock.Now;
        while (_recent.First is { } oldest && now - oldest.Value >= Second)
        {
            _recent.RemoveFirst();
        }

        return new(Tasks, group.Threads, group.Depth, _recent.Count);
    }

    /// <param name="group">The process that the new task will belong to.</param>
    /// <param name="noted">The creation among those of the last second; null where it does not
    /// matter how many those are.</param>
    internal Refusal? TryTake(ThreadGroup group, out LinkedListNode<long>? noted)
    {
        noted = null;
        if (limits.Exceeded(UsageOf(group)) is { } full)
        {
            return new(
                Errno.EAGAIN, RefusedBy.Limit, CreationLimits.Key(full), limits.Of(full)?.Origin);
        }

        if (limits.Of(LimitKind.PerSecond) is not null)
        {
            noted = _recent.AddLast(clock.Now);
        }

        Tasks++;
        group.Threads++;
        Peak = Tasks > Peak ? Tasks : Peak;
        return null;
    }

    /// <summary>A creation did not happen.</summary>
    internal void Forget(LinkedListNode<long> noted)
    {
        if (noted.List == _recent)
        {
            _recent.Remove(noted);
        }
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
    private readonly LinkedListNode<long>? _noted;
    private bool _held = true;

    private TaskCharge(TaskBudget budget, ThreadGroup group, LinkedListNode<long>? noted) =>
        (_budget, _group, _noted) = (budget, group, noted);

    public static Result<TaskCharge> Take(TaskBudget budget, ThreadGroup group, UnwindScope unwind)
    {
        if (unwind.Fault("charge") is { } fault)
        {
            return fault;
        }

        if (budget.TryTake(group, out LinkedListNode<long>? noted) is { } refusal)
        {
            return refusal;
        }

        var charge = new TaskCharge(budget, group, noted);
        unwind.Register(charge);
        return charge;
    }

    /// <summary>The charge is now the task's own, until <see cref="Release"/>.</summary>
    public void Commit()
    {
    }

    public void Cancel()
    {
        if (_noted is not null)
        {
            _budget.Forget(_noted);
        }

        Release();
    }

    /// <summary>The task has ended.</summary>
    public void Release()
    {
        Invariant.Check(_held, "a charge is released once");
        _held = false;
        _budget.GiveBack(_group);
    }
}
