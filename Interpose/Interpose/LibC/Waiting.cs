using Interpose.Abi;
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

    /// <summary>Waits for the end of a child for a bounded time; false when it is over.</summary>
    public static bool Reap(int pid, int milliseconds)
    {
        long until = System.Environment.TickCount64 + milliseconds;
        while (true)
        {
            int found = Poll(pid, out int status, out _);
            if (found < 0 || (found > 0 && (status & 0x7f) != 0x7f))
            {
                return true;
            }

            if (System.Environment.TickCount64 >= until)
            {
                return false;
            }

            System.Threading.Thread.Sleep(0);
            System.Threading.Thread.Sleep(System.TimeSpan.FromMicroseconds(200));
        }
    }

    /// <summary>Waits for a blocked signal for at most some time.</summary>
    /// <returns>The signal, or 0 when the time is over.</returns>
    public static int Signal(ulong mask, long nanoseconds, out siginfo_t signal)
    {
        siginfo_t taken = default;
        timespec time = new()
        {
            tv_sec = nanoseconds / 1_000_000_000,
            tv_nsec = nanoseconds % 1_000_000_000,
        };

        // SAFETY: the kernel reads the mask and the time and writes the signal, all locals.
        long result = Native.Blocking(
            __NR_rt_sigtimedwait, (nint)(&mask), (nint)(&taken), (nint)(&time), sizeof(ulong), 0,
            0);
        signal = taken;
        return result > 0 ? (int)result : 0;
    }
}
