using System;
using System.Collections.Generic;
using System.Diagnostics;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Ptrace;

/// <summary>What a wait ended with.</summary>
internal enum Woken
{
    /// <summary>A task has something to report.</summary>
    Tracee,

    /// <summary>A signal came for the supervisor itself.</summary>
    Signal,

    /// <summary>The time is over.</summary>
    Deadline,
}

/// <summary>
/// The only place that waits. A wait costs the same whether ten tasks live or ten thousand.
/// </summary>
/// <remarks>
/// wait4(-1) looks at every tracee. While they are few it is all there is: one call for one
/// report. Where they are many SIGCHLD names the task that stopped, but only one can be
/// pending, so a second stop goes unnamed while the first is. Therefore: take the hint; then ask
/// for the few tasks that were resumed last before it, which is where an unnamed stop almost
/// always is (a later stop has a signal of its own); and after a short silence, or when the last
/// full look is long ago, look at all of them once. A full look takes all there is: wait4(-1)
/// begins with the youngest, so a few busy ones would hide the rest for ever. A SIGCHLD that
/// another thread of this process took is never seen here; so no wait lasts longer than
/// <see cref="IdleMost"/>, and each ends with a full look.
/// </remarks>
internal sealed class TraceeWaiter
{
    private const int Few = 64;
    private const int RecentMost = 8;
    private const long Silence = 1_000_000;
    private const long IdleMost = 500_000_000;
    private const int FullLookShare = 20;
    private const long Fairness = 10_000_000;
    private readonly Queue<TraceeReport> _ready = new();
    private readonly HostTid[] _recent = new HostTid[RecentMost];
    private int _recentCount;

    /// <summary>How many of them, the first, ran before the last signal was taken.</summary>
    private int _unasked;

    private bool _unsure = true;
    private long _nextFullLook;
    private long _lookedAt;
    private bool _tookSignal;

    /// <summary>The monotonic clock in nanoseconds.</summary>
    public static long Now => Stopwatch.GetTimestamp();

    /// <summary>Whatever stood before this moment has been handed out.</summary>
    public long Settled { get; private set; }

    /// <summary>Takes note that a task runs again, so that its next stop is asked for.</summary>
    public void Resumed(HostTid tid)
    {
        if (_recentCount == RecentMost)
        {
            Forget(0);
        }

        _recent[_recentCount] = tid;
        _recentCount++;
    }

    /// <summary>A task runs already, and may have stopped unnamed.</summary>
    public void Expected(HostTid tid)
    {
        Resumed(tid);
        _unasked = _recentCount;
    }

    /// <summary>Waits for the next thing to do.</summary>
    /// <param name="bell">Which hangs in the calling thread.</param>
    /// <param name="tasks">How many there are about.</param>
    /// <param name="deadline">
    /// When to give up, on <see cref="Now"/>; long.MaxValue for never.
    /// </param>
    /// <param name="report">The report of a task.</param>
    /// <param name="signal">The signal to the supervisor.</param>
    public Woken Next(
        Bell bell, int tasks, long deadline, out TraceeReport report, out siginfo_t signal)
    {
        signal = default;
        while (true)
        {
            if (_ready.TryDequeue(out report))
            {
                return Woken.Tracee;
            }

            Settled = _lookedAt;
            long now = Now;

            // Neither busy tasks nor whoever sends signals puts the others off for ever.
            bool due = now >= _nextFullLook + Fairness || _tookSignal;
            _tookSignal = false;
            if (due && LookAtAll(now))
            {
                continue;
            }

            if (bell.Take(out signal))
            {
                _tookSignal = true;
                return Woken.Signal;
            }

            if (now >= deadline)
            {
                if (_lookedAt < deadline && LookAtAll(now))
                {
                    continue;
                }

                Settled = _lookedAt;
                return Woken.Deadline;
            }

            bool taken = tasks <= Few
                ? TakeAny(bell, Math.Min(deadline, now + IdleMost), out report)
                : TakeHinted(deadline, now, out report);
            if (taken)
            {
                return Woken.Tracee;
            }
        }
    }

    /// <summary>The bit of a signal in a mask.</summary>
    public static ulong Bit(int signal) => 1UL << (signal - 1);

    private static bool Take(HostTid tid, out TraceeReport report)
    {
        int found = Waiting.Poll(tid.Value, out int status, out rusage usage);
        report = new(new(found), new(status), usage);
        return found > 0;
    }

    /// <summary>Blocks until one of few tasks reports, or the bell rings.</summary>
    private static bool TakeAny(Bell bell, long until, out TraceeReport report)
    {
        bell.RingAt(until);
        int found = Waiting.Any(out int status, out rusage usage);
        report = new(new(found), new(status), usage);
        if (found == -(int)Errno.ECHILD)
        {
            // Nothing to wait for, and yet somebody is expected.
            Waiting.Signal(Bit(SIGCHLD), Silence, out _);
        }

        return found > 0;
    }

    /// <summary>Blocks until one of many tasks may have a report, or the bell rings.</summary>
    private bool TakeHinted(long deadline, long now, out TraceeReport report)
    {
        if (TakeRecent(out report))
        {
            return true;
        }

        if (_unsure && now >= _nextFullLook && LookAtAll(now))
        {
            return _ready.TryDequeue(out report);
        }

        long wait = Math.Clamp(deadline - now, 0, _unsure ? Silence : IdleMost);
        int number = Waiting.Signal(Bit(SIGCHLD), wait, out siginfo_t hint);
        if (number == SIGCHLD)
        {
            return TakeNamed(new HostTid(hint.si_pid), out report);
        }

        (_unsure, _nextFullLook) = (true, 0);
        return false;
    }

    /// <summary>
    /// Asks once for each task that was resumed before the last signal was taken.
    /// </summary>
    private bool TakeRecent(out TraceeReport report)
    {
        while (_unasked > 0)
        {
            HostTid tid = _recent[0];
            Forget(0);
            if (Take(tid, out report))
            {
                _unsure = true;
                return true;
            }
        }

        report = default;
        return false;
    }

    /// <summary>The task that a signal names; it need not be asked for again.</summary>
    private bool TakeNamed(HostTid tid, out TraceeReport report)
    {
        (_unsure, _unasked) = (true, _recentCount);
        int at = Array.IndexOf(_recent, tid, 0, _recentCount);
        if (at >= 0)
        {
            Forget(at);
        }

        return Take(tid, out report);
    }

    private void Forget(int at)
    {
        _recentCount--;
        Array.Copy(_recent, at + 1, _recent, at, _recentCount - at);
        _unasked -= at < _unasked ? 1 : 0;
    }

    /// <summary>Looks at every task; the more that costs, the rarer it becomes.</summary>
    private bool LookAtAll(long now)
    {
        _lookedAt = now;
        while (Take(new HostTid(-1), out TraceeReport report))
        {
            _ready.Enqueue(report);
        }

        long done = Now;
        _nextFullLook = done + Silence + ((done - now) * FullLookShare);
        _unsure = _ready.Count > 0;
        return _unsure;
    }
}
