using Interpose.Abi;

namespace Interpose.Ptrace;

/// <summary>Where the engine stands with one task.</summary>
internal enum TraceeState
{
    /// <summary>It runs, or is stopped by job control.</summary>
    Free,

    /// <summary>
    /// Its approved call was resumed: a clone event or a syscall exit comes next.
    /// </summary>
    InCall,

    /// <summary>Its call for namespaces was resumed: a syscall exit comes next.</summary>
    InNamespaceCall,

    /// <summary>
    /// Its call was refused for now: it stands until it is time to make it again.
    /// </summary>
    Delayed,

    /// <summary>It stands at its clone event until its child stands too.</summary>
    AwaitsChild,
}

/// <summary>
/// A call with a time-out that began again after a signal which its task ignores.
/// </summary>
/// <param name="Deadline">
/// When it has waited long enough; long.MaxValue where the kernel alone knows.
/// </param>
/// <param name="Late">What it then returns.</param>
/// <param name="Mask">
/// The signals that its task blocks, where others are blocked for the length of the call.
/// </param>
internal readonly record struct RestartedWait(long Deadline, ulong Late, ulong? Mask = null)
{
    /// <summary>Whether the task is in the call, as far as is known.</summary>
    public bool Inside { get; init; }

    /// <summary>Whether it was asked to leave the call.</summary>
    public bool Ended { get; init; }
}

/// <summary>One traced task: what must be remembered between its stops.</summary>
internal sealed class Tracee
{
    public Tracee() => Leader = this;

    /// <summary>A task that was seen for the first time.</summary>
    /// <param name="tid">Its id.</param>
    /// <param name="leader">The first thread of its process; null for itself.</param>
    public void Begin(HostTid tid, Tracee? leader)
    {
        (Tid, Leader, HadThreads) = (tid, leader ?? this, false);
        (Restarted, Stopped, HeldSince, LastStop) = (false, false, 0, default);
        Leader.HadThreads |= leader is not null;
        Leader.Threads += leader is null ? 0 : 1;
    }

    /// <summary>Its id; an exec from a thread changes it.</summary>
    public HostTid Tid { get; set; }

    /// <summary>
    /// The first thread of its process: itself, but for threads. An exec makes it itself.
    /// </summary>
    public Tracee Leader { get; private set; }

    /// <summary>
    /// Whether it leads a process that had other threads since its last exec. One of them may
    /// exec, which takes over the leader's id while a report of the leader is under way.
    /// </summary>
    public bool HadThreads { get; set; }

    /// <summary>How many threads it leads whose end has not been seen.</summary>
    public int Threads { get; private set; }

    /// <summary>Where it stands.</summary>
    public TraceeState State { get; set; }

    /// <summary>The call as the guest made it.</summary>
    public CreationCall Asked { get; set; }

    /// <summary>
    /// The call for namespaces that is under way, and its first argument as it runs.
    /// </summary>
    public (NamespaceCall Asked, ulong A0) Namespaces { get; set; }

    /// <summary>
    /// The call as it runs; equal to <see cref="Asked"/> when nothing was rewritten.
    /// </summary>
    public CreationCall Runs { get; set; }

    /// <summary>
    /// When that call was resumed: a task that was seen before cannot be its child.
    /// </summary>
    public long InCallSince { get; set; }

    /// <summary>The child it waits for at its clone event.</summary>
    public HostTid Child { get; set; }

    /// <summary>Whether a wait that an ignored signal ended was turned into a restart.</summary>
    public bool Restarted { get; set; }

    /// <summary>That wait, while its time-out is kept for it.</summary>
    public RestartedWait? Wait { get; set; }

    /// <summary>Whether it has been in the engine's list of such waits.</summary>
    public bool Listed { get; set; }

    /// <summary>
    /// Whether nothing refers to what has ended here, so that it may stand for another task.
    /// </summary>
    public bool IsForgotten => State == TraceeState.Free && Threads == 0 && !Listed;

    /// <summary>Whether job control has stopped it.</summary>
    public bool Stopped { get; set; }

    /// <summary>
    /// At which look for lost stops its last stop was handled; 0 once it was resumed.
    /// </summary>
    public int HeldSince { get; set; }

    /// <summary>Its last stop.</summary>
    public WaitStatus LastStop { get; set; }

    /// <summary>It runs another program: it is the only thread of its process.</summary>
    public void LeadsAlone() =>
        (Leader, HadThreads, Threads, State) = (this, false, 0, TraceeState.Free);

    /// <summary>Its end was seen.</summary>
    public void Ended() => Leader.Threads -= Leader == this ? 0 : 1;
}
