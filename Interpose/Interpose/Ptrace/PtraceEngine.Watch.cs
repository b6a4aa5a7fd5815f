using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Ptrace;

/// <content>
/// What can go wrong with the engine itself, and how it is seen: a stop that takes for ever to
/// handle, and one that was handled and never resumed.
/// </content>
public sealed partial class PtraceEngine
{
    private const int LookEvery = 1_000_000_000;
    private const int LooksUntilLost = 10;
    private long _busySince;
    private int _busyWith;
    private int _thread;
    private int _looks = 1;
    private long _nextLook;
    private int _loseStop;

    /// <summary>When the stop that is being handled began, on <see cref="TraceeWaiter.Now"/>; 0
    /// while none is. For the watchdog.</summary>
    public long BusySince => Interlocked.Read(ref _busySince);

    /// <summary>The task whose stop is being handled.</summary>
    public HostTid BusyWith => new(Volatile.Read(ref _busyWith));

    /// <summary>
    /// Whether the thread that handles stops sleeps while it reads guest memory, which does not
    /// come. One that waits for a processor does not sleep. Unknown is yes.
    /// </summary>
    public bool WaitsForMemory
    {
        get
        {
            if (!GuestMemory.Reading)
            {
                return false;
            }

            Span<byte> text = stackalloc byte[128];
            string path = $"/proc/self/task/{Volatile.Read(ref _thread)}/stat";
            if (Posix.Open(path, O_RDONLY, out int fd) != Errno.None)
            {
                return true;
            }

            Errno errno = Posix.Read(fd, text, out int read);
            Posix.Close(fd);
            int name = text[..read].LastIndexOf((byte)')');
            return errno != Errno.None || name < 0 || name + 2 >= read
                || text[name + 2] != (byte)'R';
        }
    }

    /// <summary>For tests: the stop, counted from 1, that is not resumed; 0 for none.</summary>
    public void LoseStop(int number) => _loseStop = number;

    /// <summary>
    /// Kills every task, from another thread, while the engine's own sleeps. Whatever it begins
    /// when it wakes it must end itself.
    /// </summary>
    public void KillAllFromOutside()
    {
        const int tries = 3;
        for (int i = 0; i < tries; i++)
        {
            try
            {
                KillAll();
                return;
            }
            catch (InvalidOperationException)
            {
                // It woke, and the tables have changed under this look.
            }
        }
    }

    private void BeginStop(HostTid tid)
    {
        Volatile.Write(ref _busyWith, tid.Value);
        Interlocked.Exchange(ref _busySince, TraceeWaiter.Now);
    }

    private void EndStop() => Interlocked.Exchange(ref _busySince, 0);

    /// <summary>
    /// Looks for tasks that still stand at a stop which was handled long ago. Looks are counted,
    /// not time: while this process was stopped itself none passed.
    /// </summary>
    private void LookForLostStops(long now)
    {
        if (now < _nextLook)
        {
            return;
        }

        _nextLook = now + LookEvery;
        _looks++;
        List<Tracee>? lost = null;
        foreach (Tracee tracee in _tracees.Values)
        {
            // One that was killed meanwhile stands no more: ESRCH.
            if (tracee.HeldSince != 0 && _looks - tracee.HeldSince >= LooksUntilLost
                && Tracing.StopInfo(tracee.Tid, out _) != Errno.ESRCH)
            {
                (lost ??= []).Add(tracee);
            }
        }

        foreach (Tracee tracee in lost ?? [])
        {
            tracee.HeldSince = 0;
            _events.OnStopLost(tracee.Tid, NameOf(tracee.LastStop));
        }
    }

    /// <summary>A stop in words.</summary>
    internal static string NameOf(WaitStatus stop) => stop.Event switch
    {
        PTRACE_EVENT_SECCOMP => "the seccomp stop at its call",
        PTRACE_EVENT_FORK or PTRACE_EVENT_VFORK or PTRACE_EVENT_CLONE => "its clone event",
        PTRACE_EVENT_EXEC => "its exec event",
        PTRACE_EVENT_STOP => "an event stop",
        _ => stop.IsSyscallStop ? "the exit of its call"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"the delivery of {SignalNames.Of(stop.StopSignal)}"),
    };
}
