using System;
using System.Diagnostics;
using System.Threading;
using Interpose.Abi;
using Interpose.Probes;
using Interpose.Ptrace;
using static Interpose.Abi.Uapi;

namespace Interpose.LibC;

/// <summary>wait4(2) and rt_sigtimedwait(2), for the class that waits alone.</summary>
internal static unsafe class Waiting
{
    /// <summary>Takes one report of a task (or of any, -1) without blocking; 0 is none.</summary>
    public static int Poll(int tid, out int status, out rusage usage)
    {
        int taken = 0;
        rusage used = default;

        // SAFETY: the kernel writes to locals.
        long result = Native.Quick(
            __NR_wait4, tid, (nint)(&taken), WNOHANG | __WALL, (nint)(&used));
        (status, usage) = (taken, used);
        return (int)result;
    }

    /// <summary>Waits for the end of a child that was killed.</summary>
    public static void Reap(int pid)
    {
        int taken = 0;
        do
        {
            // SAFETY: the kernel writes to a local.
            long result = Native.Blocking(__NR_wait4, pid, (nint)(&taken), __WALL, 0, 0, 0);
            if (result < 0)
            {
                return;
            }
        }
        while ((taken & 0x7f) == 0x7f);
    }

    /// <summary>
    /// Waits for the end of one child for at most two seconds, then kills it. It is asked for
    /// again and again, so that no signal and no other child has a part in it.
    /// </summary>
    /// <param name="child">Which.</param>
    /// <param name="onStop">What resumes it where it is traced and stops.</param>
    public static TrialWait End(HostTid child, Action<WaitStatus>? onStop = null)
    {
        const int patience = 2;
        const int step = 1;
        long until = Stopwatch.GetTimestamp() + (patience * Stopwatch.Frequency);
        while (true)
        {
            int found = Poll(child.Value, out int word, out _);
            var status = new WaitStatus(word);
            if (found < 0 || (found > 0 && status.Ended))
            {
                return TrialWait.Ended;
            }

            if (Stopwatch.GetTimestamp() > until)
            {
                Posix.Kill(child.Value, SIGKILL);
                Reap(child.Value);
                return TrialWait.TooLong;
            }

            if (found > 0)
            {
                onStop?.Invoke(status);
            }
            else
            {
                Thread.Sleep(step);
            }
        }
    }

    /// <summary>
    /// Blocks until any task has a report, and takes it: its id; -EINTR when the bell rang, for
    /// which <see cref="Bell"/> must hang; -ECHILD when there is none to wait for.
    /// </summary>
    public static int Any(out int status, out rusage usage)
    {
        int taken = 0;
        rusage used = default;

        // SAFETY: the kernel writes to locals.
        long result = Native.Wait(__NR_wait4, -1, (nint)(&taken), __WALL, (nint)(&used));
        (status, usage) = (taken, used);
        return (int)result;
    }

    /// <summary>
    /// Waits for a blocked signal for at most some time, or until the bell rings.
    /// </summary>
    /// <returns>The signal, or 0 when it was anything else that ended the wait.</returns>
    public static int Signal(ulong mask, long nanoseconds, out siginfo_t signal)
    {
        siginfo_t taken = default;
        timespec time = new()
        {
            tv_sec = nanoseconds / 1_000_000_000,
            tv_nsec = nanoseconds % 1_000_000_000,
        };

        // SAFETY: the kernel reads the mask and the time and writes the signal, all locals.
        long result = Native.Wait(
            __NR_rt_sigtimedwait, (nint)(&mask), (nint)(&taken), (nint)(&time), sizeof(ulong));
        signal = taken;
        return result > 0 ? (int)result : 0;
    }
}
