using System.Collections.Generic;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Ptrace;

/// <content>
/// Calls that are made again a moment later, because what they need is about to come free. The
/// guest sees one call that took longer.
/// </content>
public sealed partial class PtraceEngine
{
    private const long Pause = 5_000_000;

    /// <summary>The length of the instruction <c>syscall</c>.</summary>
    private const ulong CallLength = 2;

    private readonly Queue<(Tracee Tracee, int Number, long Due)> _delayed = new();

    private long DelayDeadline =>
        _delayed.TryPeek(out (Tracee Tracee, int Number, long Due) first) ? first.Due
            : long.MaxValue;

    /// <summary>A task stands at the exit of its call and is not resumed yet.</summary>
    private void Delay(Tracee tracee, int number)
    {
        tracee.State = TraceeState.Delayed;
        _delayed.Enqueue((tracee, number, TraceeWaiter.Now + Pause));
    }

    /// <summary>
    /// Sends tasks back to the instruction of their call. Should a signal come first, its
    /// handler runs before the call, as if it had come before it.
    /// </summary>
    private void ResumeDelayed(long now)
    {
        while (_delayed.TryPeek(out (Tracee Tracee, int Number, long Due) first)
            && first.Due <= now)
        {
            _delayed.Dequeue();
            HostTid tid = first.Tracee.Tid;
            bool waits = _tracees.TryGetValue(tid, out Tracee? living) && living == first.Tracee
                && living.State == TraceeState.Delayed;
            if (waits && Tracing.Peek(tid, OFFSET_RIP, out ulong next) == Errno.None)
            {
                first.Tracee.State = TraceeState.Free;
                Tracing.Poke(tid, OFFSET_RIP, next - CallLength);
                Tracing.Poke(tid, OFFSET_RAX, (ulong)first.Number);
                Resume(first.Tracee, PTRACE_CONT);
            }
        }
    }
}
