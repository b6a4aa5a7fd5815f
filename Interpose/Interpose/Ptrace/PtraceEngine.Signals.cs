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
    /// stop by job control, in which the task must stay. A SIGCONT wakes a task that it does not
    /// continue, even one that blocks it: natively nothing happens to that one.
    /// </summary>
    /// <param name="tracee">The task.</param>
    /// <param name="signal">SIGTRAP, or what stopped it.</param>
    /// <param name="woken">
    /// Whether it went on before: it is no newborn, and was not stopped by job control.
    /// </param>
    private void OnEventStop(Tracee tracee, int signal, bool woken)
    {
        if (IsJobControl(signal))
        {
            Forget(tracee);
            tracee.Stopped = true;
            Resume(tracee, PTRACE_LISTEN);
            _events.OnStopped(tracee.Tid, signal);
            return;
        }

        int request = PTRACE_CONT;
        if (woken)
        {
            request = KeepIgnoredSignalsSilent(tracee, NoSignal);
        }
        else
        {
            Forget(tracee);
        }

        Resume(tracee, request);
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

        int request = KeepIgnoredSignalsSilent(tracee, signal);
        Resume(tracee, request, signal);
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
}
