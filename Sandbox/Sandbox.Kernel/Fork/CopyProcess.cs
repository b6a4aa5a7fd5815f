using System.Collections.Generic;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Rules;
using Sandbox.Kernel.Tasks;

namespace Sandbox.Kernel.Fork;

/// <summary>What has happened to the call of a <see cref="PendingClone"/>.</summary>
public enum CloneMoment
{
    /// <summary>The caller is stopped at its call, which has not run.</summary>
    Asked,

    /// <summary>The call ran and gave an error, or the caller died in it: no child.</summary>
    Refused,

    /// <summary>The kernel made the child; it stands before its first instruction.</summary>
    Made,
}

/// <summary>
/// The pipeline from request to running task: the policy half of the kernel's
/// <c>copy_process</c>.
/// </summary>
/// <param name="policy">The rules of the run.</param>
/// <param name="table">The tasks of the run.</param>
/// <param name="memory">Guest memory.</param>
/// <param name="facts">What rules of the kernel ask of it and of callers.</param>
/// <param name="clock">Time for budgets and latencies.</param>
/// <param name="controllers">What each new task is given, in order.</param>
/// <param name="faults">Steps that shall fail; null outside tests.</param>
public sealed class CopyProcess(
    Policy policy,
    TaskTable table,
    IGuestMemory memory,
    IHostFacts facts,
    IClock clock,
    IReadOnlyList<IForkController> controllers,
    IFaults? faults)
{
    /// <summary>
    /// Creations that are over, for later ones: as many as were under way at once.
    /// </summary>
    private readonly Stack<PendingClone> _over = new();
    private long _lastId;

    /// <summary>What the run's tasks use of its limits.</summary>
    public TaskBudget Budget { get; } = new(policy.Creation.Limits, clock);

    /// <summary>The namespaces that guests made.</summary>
    public NamespaceTally Namespaces { get; } =
        new(policy.Creation.Namespaces, clock, table.Records);

    /// <summary>What the policy said of requests before.</summary>
    public DecisionCache Decisions { get; } = new(policy.Creation);

    /// <summary>Reservations that are open.</summary>
    public Ledger Ledger { get; } = new();

    /// <summary>Takes up one request.</summary>
    /// <param name="call">The call.</param>
    /// <param name="again">Its number, when the same call was taken up before; else 0.</param>
    public PendingClone Begin(in CloneCall call, long again = 0)
    {
        table.TryFind(call.Caller, out GuestTask? caller);
        Invariant.Check(
            caller is not null || call.Entry == EntryPoint.Launch,
            "only the first task of a run has no creator in it");
        IFaults? injected = call.Entry == EntryPoint.Launch ? null : faults;
        long id = again != 0 ? again : ++_lastId;
        PendingClone clone = _over.TryPop(out PendingClone? over) ? over : new(Ledger);
        clone.Unwind.Open(injected);
        clone.Begin(id, call, caller, clock.Now);
        return clone;
    }

    /// <summary>
    /// A creation is over, and all that is to be told of it was told: it is not looked at again.
    /// </summary>
    public void End(PendingClone clone)
    {
        Invariant.Check(
            clone is { Id: not 0, Verdict: not CloneVerdict.Pending }, "a creation ends once");
        clone.End();
        _over.Push(clone);
    }

    /// <summary>Takes a creation as far as it can go at this moment.</summary>
    /// <param name="clone">The creation.</param>
    /// <param name="moment">What happened.</param>
    /// <param name="child">The child, when the kernel made one.</param>
    /// <param name="errno">The kernel's error, when it refused.</param>
    /// <returns>
    /// None when the call may run or has run well; else what the guest's call returns. After
    /// <see cref="CloneMoment.Made"/> an errno means that the child must die.
    /// </returns>
    public Errno Run(
        PendingClone clone, CloneMoment moment, HostTid child = default, Errno errno = Errno.None)
    {
        if (moment == CloneMoment.Refused)
        {
            return Unwind(clone, Namespaces.Explain(
                errno, clone.NewNamespaces, clone.Caller));
        }

        if (moment == CloneMoment.Made)
        {
            return Publish(clone, child);
        }

        Result<ValidatedClone> first = ValidatedClone.Validate(
            clone.First, clone.Call, policy.Creation, Decisions, memory, facts,
            out CloneRequest request);
        clone.Request = request;
        clone.Took(StageName.Validate, clock.Now);
        if (!first.TryGet(out ValidatedClone? validated, out Refusal no))
        {
            return Unwind(clone, no);
        }

        (clone.Runs, clone.Decision) = (validated.Runs, validated.Decision);
        Result<UnpublishedTask> second = UnpublishedTask.Allocate(
            validated, clone.Caller, table.Records, Budget, Namespaces, clone.Unwind);
        clone.Took(StageName.Allocate, clock.Now);
        if (!second.TryGet(out UnpublishedTask? unpublished, out no))
        {
            return Unwind(clone, no);
        }

        Result<PopulatedTask> third = PopulatedTask.Copy(
            unpublished, table.Records, Namespaces, clone.Unwind);
        clone.Took(StageName.Populate, clock.Now);
        if (!third.TryGet(out PopulatedTask? populated, out no))
        {
            return Unwind(clone, no);
        }

        Result<ReservedTask> fourth = ReservedTask.Reserve(populated, controllers, clone.Unwind);
        clone.Took(StageName.Reserve, clock.Now);
        if (!fourth.TryGet(out ReservedTask? reserved, out no))
        {
            return Unwind(clone, no);
        }

        clone.Parked = reserved;
        return Errno.None;
    }

    /// <summary>
    /// The caller of a creation that was refused for now is gone before it was made again.
    /// </summary>
    public static void CallerGone(PendingClone clone)
    {
        Invariant.Check(clone.Verdict == CloneVerdict.Denied, "only what was refused is dropped");
        (clone.Verdict, clone.Refusal) =
            (CloneVerdict.Unwound, new(Errno.EINTR, RefusedBy.Kernel, "kernel"));
    }

    /// <summary>Stages 5 and 6: the child exists, so nothing here can be refused.</summary>
    private Errno Publish(PendingClone clone, HostTid child)
    {
        ReservedTask? reserved = clone.Parked;
        Invariant.Check(reserved is not null, "a child is made only of a reserved task");
        clone.Parked = null;
        clone.Took(StageName.Kernel, clock.Now);

        PublishedTask published = PublishedTask.Commit(reserved, child, table, clone.Unwind);
        (clone.Child, clone.Verdict) = (child, CloneVerdict.Created);
        clone.Broken = published.Broken;
        clone.Took(StageName.Publish, clock.Now);

        RunningTask.WakeUp(published);
        clone.Took(StageName.WakeUp, clock.Now);
        return clone.Broken;
    }

    private Errno Unwind(PendingClone clone, in Refusal refusal)
    {
        bool denied = refusal.By != RefusedBy.Kernel;
        clone.Parked = null;
        clone.Unwind.Cancel();
        if (clone.Caller is { } caller)
        {
            table.EndIfEmpty(caller.Group);
        }

        clone.Refusal = refusal;
        clone.Verdict = denied ? CloneVerdict.Denied : CloneVerdict.Unwound;
        return refusal.Errno;
    }
}
