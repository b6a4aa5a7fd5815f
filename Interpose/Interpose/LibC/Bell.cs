using System;
using System.ComponentModel;
using System.Threading;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.LibC;

/// <summary>
/// What ends a wait of one thread: signals to this process, and a time. Either is kept until it
/// is taken, so none is missed between a look and the wait that follows (Ptrace/bell.c).
/// </summary>
/// <remarks>A process has one.</remarks>
internal sealed unsafe class Bell : IDisposable
{
    private static int _hangs;
    private readonly ulong _signals;
    private long _at = long.MaxValue;

    /// <summary>Hangs it in the calling thread.</summary>
    /// <param name="signals">
    /// Which signals, blocked in every thread; they are let through in this one.
    /// </param>
    /// <exception cref="Win32Exception">There is no timer to be had: timer_create(2).</exception>
    public Bell(ulong signals)
    {
        if (Interlocked.Exchange(ref _hangs, 1) != 0)
        {
            throw new InvalidOperationException("a process has one bell");
        }

        _signals = signals;
        int result = Native.BellHang(signals);
        if (result < 0)
        {
            Volatile.Write(ref _hangs, 0);
            throw new Win32Exception(-result, $"no timer: {(Errno)(-result)}");
        }

        Posix.Block(signals, SIG_UNBLOCK, out _);
    }

    /// <summary>Takes it down; the signals are blocked again.</summary>
    public void Dispose()
    {
        Posix.Block(_signals, SIG_BLOCK, out _);
        Native.BellTakeDown();
        Volatile.Write(ref _hangs, 0);
    }

    /// <summary>
    /// Lets it ring at a time, or before: what was asked for earlier and is not needed any more
    /// costs one wait that ends for nothing, and no call.
    /// </summary>
    /// <param name="time">On CLOCK_MONOTONIC, in nanoseconds.</param>
    public void RingAt(long time)
    {
        if (time < _at)
        {
            _at = time;
            Native.BellAt(time);
        }
    }

    /// <summary>
    /// Takes the next signal that came, and forgets it. False: none came; the time may have.
    /// </summary>
    public bool Take(out siginfo_t signal)
    {
        siginfo_t taken = default;
        int number;
        do
        {
            // SAFETY: a siginfo_t, which ours has the size of, is written to a local.
            number = Native.BellTake(&taken);
            if (number != 0 && (_signals & (1UL << (number - 1))) == 0)
            {
                _at = long.MaxValue;
                number = -number;
            }
        }
        while (number < 0);
        signal = taken;
        return number != 0;
    }
}
