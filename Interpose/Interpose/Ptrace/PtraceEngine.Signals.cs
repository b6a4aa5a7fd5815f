using System;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Ptrace;

/// <content>Signals and job control, which a guest must see as if nobody traced it.</content>
public sealed partial class PtraceEngine
{
    private const int FirstStopSignal = SIGSTOP;
    private const int LastStopSignal = SIGTTOU;
    private static readonly string[] Dispositions = ["SigIgn:", "SigCgt:"];

    /// <summary>
    /// PTRACE_EVENT_STOP: a newborn's first stop or the news of a SIGCONT (both SIGTRAP), or a
    /// stop by job control, in which the task must stay.
    /// </summary>
    private void OnEventStop(Tracee tracee, int signal)
    {
        if (IsJobControl(signal))
        {
            tracee.Stopped = true;
            Resume(tracee.Tid, PTRACE_LISTEN);
            _events.OnStopped(tracee.Tid, signal);
            return;
        }

        Resume(tracee.Tid, PTRACE_CONT);
    }

    private static bool IsJobControl(int signal) =>
        signal is >= FirstStopSignal and <= LastStopSignal;

    /// <summary>A signal is about to be delivered: it is, unchanged.</summary>
    private void OnSignalStop(Tracee tracee, int signal)
    {
        if (WouldFaultForEver(tracee.Tid, signal))
        {
            Posix.Kill(tracee.Tid.Value, SIGKILL);
            return;
        }

        KeepIgnoredSignalsSilent(tracee, signal);
        Resume(tracee.Tid, PTRACE_CONT, signal);
    }

    /// <summary>
    /// A traced task is woken even by a signal that it ignores, and calls that are not restarted
    /// then return EINTR, which natively they do not. Such a call is made to start again. A
    /// caught signal that follows before it does takes that back, for that one does end it.
    /// </summary>
    private static void KeepIgnoredSignalsSilent(Tracee tracee, int signal)
    {
        const ulong interrupted = unchecked((ulong)-(long)Errno.EINTR);
        const ulong restart = unchecked((ulong)-(long)Errno.ERESTARTNOINTR);
        bool known = tracee.Restarted;
        tracee.Restarted = false;
        if (Tracing.Peek(tracee.Tid, OFFSET_RAX, out ulong rax) != Errno.None
            || (rax != interrupted && !(known && rax == restart))
            || Tracing.Peek(tracee.Tid, OFFSET_ORIG_RAX, out ulong call) != Errno.None
            || (long)call < 0)
        {
            return;
        }

        bool ignored = Ignores(tracee.Tid, signal);
        if (ignored && rax == interrupted)
        {
            Tracing.Poke(tracee.Tid, OFFSET_RAX, restart);
        }
        else if (!ignored && rax == restart)
        {
            Tracing.Poke(tracee.Tid, OFFSET_RAX, interrupted);
        }

        tracee.Restarted = ignored;
    }

    /// <summary>
    /// A fault without a handler ends the init of a pid namespace like any other process, unless
    /// it is traced: "Don't clear SIGNAL_UNKILLABLE for traced tasks" - force_sig_info_to_task.
    /// It would run into the same fault for ever.
    /// </summary>
    private static bool WouldFaultForEver(HostTid tid, int signal)
    {
        if (signal is not (SIGSEGV or SIGBUS or SIGILL or SIGFPE or SIGTRAP or SIGSYS)
            || Tracing.StopInfo(tid, out siginfo_t info) != Errno.None || info.si_code <= 0
            || ProcStatus.LastOf(tid, "NStgid:") != 1)
        {
            return false;
        }

        Span<ulong> masks = stackalloc ulong[2];
        return ProcStatus.TryRead(tid, 16, Dispositions, masks)
            && ((masks[0] | masks[1]) & TraceeWaiter.Bit(signal)) == 0;
    }

    private static bool Ignores(HostTid tid, int signal)
    {
        Span<ulong> masks = stackalloc ulong[2];
        if (!ProcStatus.TryRead(tid, 16, Dispositions, masks))
        {
            return false;
        }

        ulong bit = TraceeWaiter.Bit(signal);
        bool ignoredByDefault = signal is SIGCHLD or SIGCONT or SIGURG or SIGWINCH;
        return (masks[0] & bit) != 0 || ((masks[1] & bit) == 0 && ignoredByDefault);
    }
}
