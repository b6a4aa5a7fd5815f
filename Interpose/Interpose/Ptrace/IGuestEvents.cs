using Interpose.Abi;

namespace Interpose.Ptrace;

/// <summary>A guest thread stands at the entry of a call that creates a task.</summary>
/// <param name="Caller">The thread.</param>
/// <param name="Number">The call's number: fork, vfork, clone or clone3.</param>
/// <param name="A0">First argument.</param>
/// <param name="A1">Second argument.</param>
/// <param name="A2">Third argument.</param>
/// <param name="A3">Fourth argument.</param>
/// <param name="A4">Fifth argument.</param>
public readonly record struct CreationCall(
    HostTid Caller, int Number, ulong A0, ulong A1, ulong A2, ulong A3, ulong A4);

/// <summary>
/// What becomes of the call. There is no answer that lets the kernel read guest memory which
/// was looked at before: what runs is in registers.
/// </summary>
/// <param name="Errno">None when a call may run; else what the guest gets.</param>
/// <param name="Runs">The call to run.</param>
public readonly record struct CreationAnswer(Errno Errno, CreationCall Runs);

/// <summary>A guest thread stands at the entry of unshare(2) or setns(2).</summary>
/// <param name="Caller">The thread.</param>
/// <param name="Number">The call's number.</param>
/// <param name="A0">First argument.</param>
/// <param name="A1">Second argument.</param>
public readonly record struct NamespaceCall(HostTid Caller, int Number, ulong A0, ulong A1);

/// <summary>What becomes of such a call.</summary>
/// <param name="Errno">None when it may run; else what the guest gets.</param>
/// <param name="A0">The first argument that it runs with.</param>
public readonly record struct NamespaceAnswer(Errno Errno, ulong A0);

/// <summary>A task has ended.</summary>
/// <param name="Tid">Which.</param>
/// <param name="Status">How.</param>
/// <param name="Usage">What its process used.</param>
public readonly record struct TaskExit(HostTid Tid, WaitStatus Status, rusage Usage);

/// <summary>What the engine tells of guests, in the order in which it happens.</summary>
public interface IGuestEvents
{
    /// <summary>When <see cref="OnDeadline"/> is due; long.MaxValue for never.</summary>
    long Deadline { get; }

    /// <summary>A thread asks for a task; nothing has run yet.</summary>
    CreationAnswer OnCreationAsked(in CreationCall call);

    /// <summary>
    /// A caller is gone in the middle of its call, and its id may be another task's from now on.
    /// What becomes of the call is told under an id that stands in for it.
    /// </summary>
    void OnCallerLost(HostTid caller, HostTid standIn);

    /// <summary>The kernel made no task, or the caller died before it could.</summary>
    /// <returns>
    /// Whether the caller makes the call once more in a moment, as if it had not been made.
    /// </returns>
    bool OnCreationRefused(HostTid caller, Errno errno);

    /// <summary>The kernel made the task; it and its creator are held.</summary>
    /// <returns>Whether it may run; otherwise it is killed before its first instruction.</returns>
    bool OnCreationMade(HostTid caller, HostTid child);

    /// <summary>A thread asks for namespaces of its own; nothing has run yet.</summary>
    NamespaceAnswer OnNamespacesAsked(in NamespaceCall call);

    /// <summary>The call that asked for namespaces has run.</summary>
    /// <param name="caller">The thread.</param>
    /// <param name="errno">How it ended.</param>
    /// <returns>Whether the caller makes it once more in a moment.</returns>
    bool OnNamespacesDone(HostTid caller, Errno errno);

    /// <summary>A task runs another program.</summary>
    /// <param name="tid">Its id now.</param>
    /// <param name="former">Its id when it asked.</param>
    void OnExec(HostTid tid, HostTid former);

    /// <summary>A task has ended.</summary>
    void OnExit(in TaskExit exit);

    /// <summary>
    /// A task was stopped by job control; called for each of a process's threads.
    /// </summary>
    void OnStopped(HostTid tid, int signal);

    /// <summary>A stopped task goes on.</summary>
    void OnContinued(HostTid tid);

    /// <summary>A task stands at a stop that was handled and never resumed: our bug.</summary>
    /// <param name="tid">Which.</param>
    /// <param name="stop">At which stop, in words.</param>
    void OnStopLost(HostTid tid, string stop);

    /// <summary>A signal came for the supervisor.</summary>
    void OnSignal(in siginfo_t signal);

    /// <summary>The deadline has come.</summary>
    void OnDeadline();
}
