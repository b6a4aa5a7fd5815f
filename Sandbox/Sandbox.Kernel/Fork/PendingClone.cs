using System;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Rules;
using Sandbox.Kernel.Tasks;

namespace Sandbox.Kernel.Fork;

/// <summary>How a request for a task ended.</summary>
public enum CloneVerdict
{
    /// <summary>Still under way.</summary>
    Pending,

    /// <summary>The task exists.</summary>
    Created,

    /// <summary>Refused before the kernel saw it.</summary>
    Denied,

    /// <summary>The kernel refused, or the caller died: everything went back.</summary>
    Unwound,
}

/// <summary>
/// One creation between the stops of its call: the parked stage, what it has taken, and what
/// reports will say of it. There is at most one for each calling thread.
/// </summary>
public sealed class PendingClone
{
    /// <summary>How many moments are timed.</summary>
    public const int Stages = 7;

    private readonly long[] _nanoseconds = new long[Stages];

    internal PendingClone(Ledger ledger) => Unwind = new(ledger);

    /// <summary>Its number in this run, from 1; 0 for none.</summary>
    public long Id { get; private set; }

    /// <summary>The call as the guest made it.</summary>
    public CloneCall Call { get; private set; }

    /// <summary>The task that asks; null for the first of the run.</summary>
    public GuestTask? Caller { get; private set; }

    /// <summary>The request, once decoded.</summary>
    public CloneRequest Request { get; internal set; }

    /// <summary>The call that runs, once validated.</summary>
    public HostCall Runs { get; internal set; }

    /// <summary>Which rule of the policy let it through, once validated.</summary>
    public CreationDecision Decision { get; internal set; }

    /// <summary>How it ended.</summary>
    public CloneVerdict Verdict { get; internal set; }

    /// <summary>Why it did not happen, when it did not.</summary>
    public Refusal Refusal { get; internal set; }

    /// <summary>The child, once created.</summary>
    public HostTid Child { get; internal set; }

    /// <summary>None, or how the host broke a promise, which costs the child its life.</summary>
    public Errno Broken { get; internal set; }

    /// <summary>Nanoseconds spent in each stage, by <see cref="StageName"/>.</summary>
    public ReadOnlySpan<long> Nanoseconds => _nanoseconds;

    internal UnwindScope Unwind { get; }

    /// <summary>The stages, of which at most one is reached.</summary>
    internal ValidatedClone First { get; } = ValidatedClone.Unreached();

    /// <summary>The namespaces that its call will make, as CLONE_NEW flags.</summary>
    public ulong NewNamespaces => Parked?.Clone.NewNamespaces ?? 0;

    /// <summary>The stage that waits for the next stop.</summary>
    internal ReservedTask? Parked { get; set; }

    /// <summary>When the guest's call was resumed.</summary>
    internal long Mark { get; set; }

    internal void Begin(long id, in CloneCall call, GuestTask? caller, long now)
    {
        caller?.Get();
        (Id, Call, Caller, Mark) = (id, call, caller, now);
        (Verdict, Broken, Child) = (CloneVerdict.Pending, Errno.None, default);
    }

    /// <summary>It is over and told of: lets go of all that it held.</summary>
    internal void End()
    {
        First.Clear();
        Caller?.Put();
        (Id, Caller, Parked) = (0, null, null);
        (Request, Runs, Decision, Refusal) = (default, default, default, default);
        Array.Clear(_nanoseconds);
    }

    internal void Took(StageName stage, long now)
    {
        _nanoseconds[(int)stage] = now - Mark;
        Mark = now;
    }
}
