using System.Collections.Generic;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Ptrace;

/// <summary>
/// Follows every task of a run through ptrace(2), and holds it wherever a task is created.
/// </summary>
/// <remarks>
/// One thread attaches, waits and resumes: the kernel ties a tracee to the thread that traces.
/// </remarks>
public sealed partial class PtraceEngine
{
    /// <summary>What is asked of PTRACE_SEIZE.</summary>
    internal const int Options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK
        | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL;

    private const int ForgottenMost = 256;

    private readonly Dictionary<HostTid, Tracee> _tracees = [];

    /// <summary>Records of tasks that have ended, for later ones.</summary>
    private readonly Stack<Tracee> _forgotten = new();
    private readonly IGuestEvents _events;
    private readonly TraceeWaiter _waiter = new();
    private readonly ulong _signals;
    private readonly ushort _mark;
    private readonly List<HostTid> _ignored = [];

    /// <summary>Makes an engine.</summary>
    /// <param name="events">Who is told and asked.</param>
    /// <param name="signals">The supervisor's own signals, blocked, that a wait also takes.</param>
    /// <param name="mark">What our filter says with SECCOMP_RET_TRACE, and no other does.</param>
    public PtraceEngine(IGuestEvents events, ulong signals, ushort mark) =>
        (_events, _signals, _mark) = (events, signals & ~TraceeWaiter.Bit(SIGCHLD), mark);

    /// <summary>Tasks under trace, those that have not been seen yet included.</summary>
    public int Count => _tracees.Count + _newborns.Count + _awaited.Count;

    /// <summary>Reports of tasks that were handled.</summary>
    public long Stops { get; private set; }

    /// <summary>Attaches the first task; all later ones are attached by the kernel.</summary>
    public Errno Attach(HostTid tid)
    {
        Errno errno = Tracing.Seize(tid, Options);
        if (errno == Errno.None)
        {
            Track(tid, leader: null);
        }

        return errno;
    }

    private Tracee Track(HostTid tid, Tracee? leader)
    {
        Tracee tracee = _forgotten.TryPop(out Tracee? forgotten) ? forgotten : new Tracee();
        tracee.Begin(tid, leader);
        _tracees.Add(tid, tracee);
        return tracee;
    }

    /// <summary>A child of this process that is not traced; nothing is done at its end.</summary>
    public void Ignore(HostTid child) => _ignored.Add(child);

    /// <summary>Handles stops until no task is left, or until told to leave.</summary>
    /// <param name="leaveAt">When to leave whatever is left; asked before each wait.</param>
    public void Run(System.Func<bool> leaveAt)
    {
        System.Threading.Volatile.Write(ref _thread, Posix.GetTid());
        using var bell = new Bell(_signals);
        _nextLook = TraceeWaiter.Now + LookEvery;
        while (Count > 0 && !leaveAt())
        {
            Woken woken = _waiter.Next(
                bell, Count, Earlier(_events.Deadline, EngineDeadline),
                out TraceeReport report, out siginfo_t signal);
            BeginStop(report.Tid);
            switch (woken)
            {
                case Woken.Tracee:
                    Handle(report);
                    break;
                case Woken.Signal:
                    _events.OnSignal(signal);
                    break;
                default:
                    break;
            }

            // Looked at after every stop as well: a busy guest must not put a deadline off.
            long now = TraceeWaiter.Now;
            if (now >= OrphanDeadline)
            {
                DropOrphans(_waiter.Settled);
            }

            ResumeDelayed(now);
            if (now >= WaitDeadline)
            {
                EndWaits(now);
            }

            if (_tracees.Count == 0)
            {
                ForgetUnclaimed();
            }

            if (now >= _events.Deadline)
            {
                _events.OnDeadline();
            }

            LookForLostStops(now);
            EndStop();
        }

        if (Count == 0)
        {
            // No task is left of which a caller that died could have a child.
            DropOrphans(long.MaxValue);
        }
    }

    /// <summary>When the engine has something to do of its own accord.</summary>
    private long EngineDeadline => Earlier(
        Earlier(OrphanDeadline, _nextLook), Earlier(DelayDeadline, WaitDeadline));

    /// <summary>The tasks under trace and where each stands, for messages.</summary>
    public string Describe()
    {
        var text = new System.Text.StringBuilder();
        foreach ((HostTid tid, Tracee tracee) in _tracees)
        {
            text.Append($"{tid} {tracee.State}, ");
        }

        foreach (HostTid tid in _newborns.Keys)
        {
            text.Append($"{tid} newborn, ");
        }

        return text.ToString().TrimEnd(',', ' ');
    }

    /// <summary>Kills every task. Their ends are reported like any other.</summary>
    public void KillAll()
    {
        foreach (HostTid tid in _tracees.Keys)
        {
            Posix.Kill(tid.Value, SIGKILL);
        }

        foreach ((HostTid tid, Newborn newborn) in _newborns)
        {
            // The id of one that ended may be a stranger's by now.
            if (!newborn.Status.Ended)
            {
                Posix.Kill(tid.Value, SIGKILL);
            }
        }
    }

    private static long Earlier(long a, long b) => a < b ? a : b;

    private void Handle(in TraceeReport report)
    {
        WaitStatus status = report.Status;
        if (report.Status.Ended && _ignored.Contains(report.Tid))
        {
            return;
        }

        Stops++;
        if (!_tracees.TryGetValue(report.Tid, out Tracee? tracee))
        {
            OnNewborn(report);
            return;
        }

        if (status.Ended)
        {
            OnEnd(tracee, report);
            return;
        }

        (tracee.HeldSince, tracee.LastStop) = (_looks, status);
        if (MayBeStale(tracee, status) && IsStale(report))
        {
            return;
        }

        bool continued = tracee.Stopped;
        if (continued)
        {
            tracee.Stopped = false;
            _events.OnContinued(tracee.Tid);
        }

        switch (status.Event)
        {
            case PTRACE_EVENT_SECCOMP:
                OnSeccomp(tracee);
                break;
            case PTRACE_EVENT_FORK:
            case PTRACE_EVENT_VFORK:
            case PTRACE_EVENT_CLONE:
                OnCloneEvent(tracee);
                break;
            case PTRACE_EVENT_EXEC:
                OnExec(tracee);
                break;
            case PTRACE_EVENT_STOP:
                OnEventStop(tracee, status.StopSignal, woken: !continued);
                break;
            default:
                if (status.IsSyscallStop)
                {
                    OnSyscallExit(tracee);
                }
                else
                {
                    OnSignalStop(tracee, status.StopSignal);
                }

                break;
        }
    }

    /// <summary>
    /// Whether it matters, and is possible, that a reported stop is over. That a task was killed
    /// meanwhile each request to it says; only of a stop by job control the whole run would see.
    /// </summary>
    private static bool MayBeStale(Tracee tracee, WaitStatus status) => tracee.HadThreads
        || (status.Event == PTRACE_EVENT_STOP && IsJobControl(status.StopSignal));

    /// <summary>
    /// Whether the stop that was reported is over: the task was killed, or was a leader whose id
    /// an exec from another thread has taken over since. What stands now is reported by itself.
    /// </summary>
    private static bool IsStale(in TraceeReport report)
    {
        WaitStatus status = report.Status;
        Errno errno = Tracing.StopInfo(report.Tid, out siginfo_t now);
        bool signal = status.Event == 0 && !status.IsSyscallStop;
        bool same = signal ? now.si_signo == status.StopSignal : now.si_code == status.Word >> 8;
        return errno == Errno.ESRCH || (errno == Errno.None && !same);
    }

    private void Resume(Tracee tracee, int request, int signal = 0)
    {
        if (_loseStop > 0 && --_loseStop == 0)
        {
            return;
        }

        tracee.HeldSince = 0;
        Tracing.Resume(tracee.Tid, request, signal);
        _waiter.Resumed(tracee.Tid);
    }

    private void OnExec(Tracee tracee)
    {
        if (Tracing.EventMessage(tracee.Tid, out ulong message) != Errno.None)
        {
            return;
        }

        var former = new HostTid((int)message);
        Tracee leader = tracee;
        if (former != tracee.Tid && _tracees.Remove(former, out Tracee? caller))
        {
            // The thread that called takes over its leader's id; the leader is gone unreported.
            HostTid tid = tracee.Tid;
            Abandon(tracee);
            caller.Tid = tid;
            _tracees[tid] = caller;
            tracee = caller;
            tracee.LeadsAlone();
        }

        EndUnreported(leader, default);
        tracee.LeadsAlone();
        tracee.Wait = null;
        _events.OnExec(tracee.Tid, former);
        Resume(tracee, PTRACE_CONT);
    }

    private void OnEnd(Tracee tracee, in TraceeReport report)
    {
        EndUnreported(tracee, report.Status);
        tracee.Ended();
        _tracees.Remove(report.Tid);
        Abandon(tracee);
        _events.OnExit(new TaskExit(report.Tid, report.Status, report.Usage));
        if (tracee.IsForgotten && _forgotten.Count < ForgottenMost)
        {
            _forgotten.Push(tracee);
        }

        AdoptOrphans();
    }

    /// <summary>
    /// Threads of a process that are gone, though nobody said so: it has ended, which is reported
    /// last ("we don't reap group leaders with subthreads" - wait_consider_task), or runs another
    /// program, for which every other thread was reaped first (<c>de_thread</c>). Such a one ran
    /// another program itself and took its leader's id; it was killed before that was reported,
    /// or a request to its leader, made in that moment, resumed it.
    /// </summary>
    private void EndUnreported(Tracee leader, WaitStatus status)
    {
        if (leader.Threads <= 0)
        {
            return;
        }

        var gone = new List<HostTid>();
        foreach ((HostTid tid, Tracee thread) in _tracees)
        {
            if (thread.Leader == leader && thread != leader)
            {
                gone.Add(tid);
            }
        }

        foreach (HostTid tid in gone)
        {
            _tracees.Remove(tid, out Tracee? thread);
            Abandon(thread!);
            _events.OnExit(new TaskExit(tid, status, default));
        }
    }
}
