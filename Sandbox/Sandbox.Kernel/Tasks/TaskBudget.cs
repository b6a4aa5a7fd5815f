using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Fork;

namespace Sandbox.Kernel.Tasks;

/// <summary>Counts what a run's tasks use of the policy's limits.</summary>
/// <param name="limits">The limits.</param>
/// <param name="clock">Time for the rate.</param>
public sealed class TaskBudget(CreationLimits limits, IClock clock)
{
    private readonly RecentCreations _recent = new();

    /// <summary>Tasks alive or being created.</summary>
    public int Tasks { get; private set; }

    /// <summary>The most there were at once.</summary>
    public int Peak { get; private set; }

    /// <summary>What a new task of a process would count against.</summary>
    public CreationUsage UsageOf(ThreadGroup group) => new(
        Tasks, group.Threads, group.Depth, _recent.CountAt(clock.Now));

    /// <param name="group">The process that the new task will belong to.</param>
    /// <param name="noted">The creation among those of the last second; null where it does not
    /// matter how many those are.</param>
    internal Refusal? TryTake(ThreadGroup group, out long? noted)
    {
        noted = null;
        if (limits.Exceeded(UsageOf(group)) is { } full)
        {
            return new(
                Errno.EAGAIN, RefusedBy.Limit, CreationLimits.Key(full), limits.Of(full)?.Origin);
        }

        if (limits.Of(LimitKind.PerSecond) is not null)
        {
            noted = _recent.Add(clock.Now);
        }

        Tasks++;
        group.Threads++;
        Peak = Tasks > Peak ? Tasks : Peak;
        return null;
    }

    /// <summary>A creation did not happen.</summary>
    internal void Forget(long noted) => _recent.Forget(noted);

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
    private TaskBudget? _budget;
    private ThreadGroup? _group;
    private long? _noted;

    /// <summary>Takes it, for the task whose record this belongs to.</summary>
    /// <returns>Null, or why there is no place.</returns>
    public Refusal? Take(TaskBudget budget, ThreadGroup group, UnwindScope unwind)
    {
        Invariant.Check(_budget is null, "a task is charged once");
        if (unwind.Fault("charge") is { } fault)
        {
            return fault;
        }

        if (budget.TryTake(group, out _noted) is { } refusal)
        {
            return refusal;
        }

        (_budget, _group) = (budget, group);
        unwind.Register(this);
        return null;
    }

    /// <summary>The charge is now the task's own, until <see cref="Release"/>.</summary>
    public void Commit()
    {
    }

    public void Cancel()
    {
        if (_noted is { } noted)
        {
            _budget!.Forget(noted);
        }

        Release();
    }

    /// <summary>The task has ended.</summary>
    public void Release()
    {
        Invariant.Check(_budget is not null, "a charge is released once");
        _budget.GiveBack(_group!);
        (_budget, _group) = (null, null);
    }
}
