using System.Collections.Generic;
using Interpose.Abi;
using Interpose.LibC;
using Interpose.Seccomp;
using static Interpose.Abi.Uapi;

namespace Interpose.Ptrace;

/// <content>
/// From the seccomp stop at the call to both tasks running: the stops of one creation.
/// </content>
public sealed partial class PtraceEngine
{
    private const long OrphanPatience = 1_000_000_000;
    private const long EventPatience = 100_000_000;

    /// <summary>
    /// Tasks that stopped for the first time before their parent's event was seen.
    /// </summary>
    private readonly Dictionary<HostTid, (WaitStatus Status, long Since)> _newborns = [];

    /// <summary>Children whose parents stand at their event: child to parent.</summary>
    private readonly Dictionary<HostTid, Tracee> _awaited = [];

    /// <summary>
    /// Callers that died inside an approved call, of which a child may still appear.
    /// </summary>
    private readonly List<(HostTid Caller, long Until)> _orphaned = [];

    private readonly Dictionary<HostTid, (CreationCall Asked, CreationCall Runs)> _calls = [];
    private int _lastStandIn;

    private long OrphanDeadline
    {
        get
        {
            long first = _orphaned.Count == 0 ? long.MaxValue : _orphaned[0].Until;
            foreach ((_, long since) in _newborns.Values)
            {
                first = Earlier(first, since + OrphanPatience);
            }

            return first;
        }
    }

    /// <summary>The caller stands at its call. Nothing has run.</summary>
    private void OnSeccomp(Tracee tracee)
    {
        tracee.Restarted = false;
        if (Tracing.SyscallInfo(tracee.Tid, out ptrace_syscall_info info) != Errno.None)
        {
            return;
        }

        bool creates = (int)info.nr is __NR_clone or __NR_fork or __NR_vfork or __NR_clone3;
        if (!creates || info.ret_data != CreationFilter.Mark)
        {
            // A filter of the guest's asks for a tracer that natively is not there.
            Skip(tracee, Errno.ENOSYS);
            return;
        }

        var asked = new CreationCall(
            tracee.Tid, (int)info.nr, info.arg0, info.arg1, info.arg2, info.arg3, info.arg4);
        CreationAnswer answer = _events.OnCreationAsked(asked);
        if (answer.Errno != Errno.None)
        {
            Skip(tracee, answer.Errno);
            return;
        }

        (tracee.Asked, tracee.Runs, tracee.State) = (asked, answer.Runs, TraceeState.InCall);
        Write(tracee.Tid, asked, answer.Runs);

        // Success comes back as a clone event, failure as a syscall exit; PTRACE_CONT would
        // hide the failure.
        Resume(tracee.Tid, PTRACE_SYSCALL);
    }

    /// <summary>The call does not run, and returns an error.</summary>
    private void Skip(Tracee tracee, Errno errno)
    {
        Tracing.Poke(tracee.Tid, OFFSET_ORIG_RAX, ulong.MaxValue);
        Tracing.Poke(tracee.Tid, OFFSET_RAX, unchecked((ulong)-(long)errno));
        Resume(tracee.Tid, PTRACE_CONT);
    }

    /// <summary>
    /// Changes the registers that differ between two calls, and no other: of a new thread the
    /// stack and thread pointer are its own already.
    /// </summary>
    private static void Write(HostTid tid, in CreationCall from, in CreationCall to)
    {
        if (from == to)
        {
            return;
        }

        Write(tid, OFFSET_ORIG_RAX, (ulong)from.Number, (ulong)to.Number);
        Write(tid, OFFSET_RDI, from.A0, to.A0);
        Write(tid, OFFSET_RSI, from.A1, to.A1);
        Write(tid, OFFSET_RDX, from.A2, to.A2);
        Write(tid, OFFSET_R10, from.A3, to.A3);
        Write(tid, OFFSET_R8, from.A4, to.A4);
    }

    private static void Write(HostTid tid, int offset, ulong from, ulong to)
    {
        if (from != to)
        {
            Tracing.Poke(tid, offset, to);
        }
    }

    /// <summary>The kernel made a child: the commit point.</summary>
    private void OnCloneEvent(Tracee parent)
    {
        if (Tracing.EventMessage(parent.Tid, out ulong message) != Errno.None)
        {
            return;
        }

        var child = new HostTid((int)message);
        parent.State = TraceeState.AwaitsChild;
        parent.Child = child;
        if (_newborns.Remove(child, out (WaitStatus Status, long Since) parked))
        {
            Join(parent, child, parked.Status);
            return;
        }

        _awaited.Add(child, parent);
        _waiter.Resumed(child);
    }

    /// <summary>A task is seen for the first time; its first stop, or its end before it.</summary>
    private void OnNewborn(in TraceeReport report)
    {
        if (_newborns.TryGetValue(report.Tid, out (WaitStatus Status, long Since) parked))
        {
            _newborns[report.Tid] = (report.Status, parked.Since);
        }
        else if (_awaited.Remove(report.Tid, out Tracee? parent))
        {
            Join(parent, report.Tid, report.Status);
        }
        else
        {
            _newborns.Add(report.Tid, (report.Status, TraceeWaiter.Now));
            AdoptOrphans();
        }
    }

    /// <summary>Parent and child both stand: the child is published, then both go on.</summary>
    private void Join(Tracee parent, HostTid child, WaitStatus status)
    {
        CreationCall asked = parent.Asked;
        CreationCall runs = parent.Runs;
        Publish(parent.Tid, child, status, asked, runs);
        if (_tracees.TryGetValue(parent.Tid, out Tracee? living) && living == parent)
        {
            parent.State = TraceeState.Free;
            Write(parent.Tid, runs, asked);
            Resume(parent.Tid, PTRACE_CONT);
        }
    }

    private void Publish(
        HostTid caller, HostTid child, WaitStatus status, in CreationCall asked,
        in CreationCall runs)
    {
        bool mayRun = _events.OnCreationMade(caller, child);
        if (status.Ended)
        {
            _events.OnExit(new TaskExit(child, status, default));
            return;
        }

        var tracee = new Tracee(child);
        _tracees.Add(child, tracee);
        if (!mayRun)
        {
            Posix.Kill(child.Value, SIGKILL);
            return;
        }

        Write(child, runs, asked);
        OnEventStop(tracee, status.StopSignal);
    }

    /// <summary>The approved call ended without a child.</summary>
    private void OnSyscallExit(Tracee tracee)
    {
        if (tracee.State == TraceeState.InCall)
        {
            if (Tracing.SyscallInfo(tracee.Tid, out ptrace_syscall_info info) != Errno.None)
            {
                return;
            }

            tracee.State = TraceeState.Free;
            Write(tracee.Tid, tracee.Runs, tracee.Asked);
            _events.OnCreationRefused(tracee.Tid, (Errno)(-info.rval));
            AdoptOrphans();
        }

        Resume(tracee.Tid, PTRACE_CONT);
    }

    /// <summary>
    /// A task is gone in the middle of its creation call. Killed before the event, a child may
    /// or may not exist; after it, the child exists and is published when it reports.
    /// </summary>
    private void Abandon(Tracee tracee)
    {
        if (tracee.State == TraceeState.Free)
        {
            return;
        }

        var standIn = new HostTid(--_lastStandIn);
        _events.OnCallerLost(tracee.Tid, standIn);
        tracee.Tid = standIn;
        if (tracee.State == TraceeState.InCall)
        {
            _orphaned.Add((standIn, TraceeWaiter.Now + OrphanPatience));
            _calls[standIn] = (tracee.Asked, tracee.Runs);
        }
    }

    /// <summary>
    /// Gives a parked task to a caller that died in its call, once no living caller can have
    /// made it: none is in a call, or its event would have come long ago.
    /// </summary>
    private void AdoptOrphans()
    {
        if (_orphaned.Count == 0 || _newborns.Count == 0)
        {
            return;
        }

        long sure = SomeoneInCall() ? TraceeWaiter.Now - EventPatience : long.MaxValue;
        foreach (HostTid child in new List<HostTid>(_newborns.Keys))
        {
            (WaitStatus status, long since) = _newborns[child];
            if (_orphaned.Count == 0 || since > sure)
            {
                continue;
            }

            int at = status.Ended ? 0 : FindCreator(child);
            if (at < 0)
            {
                continue;
            }

            HostTid caller = _orphaned[at].Caller;
            _orphaned.RemoveAt(at);
            _newborns.Remove(child);
            _calls.Remove(caller, out (CreationCall Asked, CreationCall Runs) call);
            Publish(caller, child, status, call.Asked, call.Runs);
        }
    }

    /// <summary>The dead caller whose call a newborn's registers still show; -1 for none.</summary>
    private int FindCreator(HostTid child)
    {
        for (int i = 0; i < _orphaned.Count; i++)
        {
            CreationCall runs = _calls[_orphaned[i].Caller].Runs;
            if (Holds(child, OFFSET_ORIG_RAX, (ulong)runs.Number)
                && Holds(child, OFFSET_RDI, runs.A0) && Holds(child, OFFSET_RSI, runs.A1)
                && Holds(child, OFFSET_RDX, runs.A2) && Holds(child, OFFSET_R10, runs.A3)
                && Holds(child, OFFSET_R8, runs.A4))
            {
                return i;
            }
        }

        return -1;
    }

    private static bool Holds(HostTid tid, int offset, ulong value) =>
        Tracing.Peek(tid, offset, out ulong held) == Errno.None && held == value;

    private bool SomeoneInCall()
    {
        foreach (Tracee tracee in _tracees.Values)
        {
            if (tracee.State == TraceeState.InCall)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// No child appeared of a caller that died: its creation never happened. No caller can be
    /// found for a newborn: it may not run.
    /// </summary>
    private void DropOrphans(long now)
    {
        AdoptOrphans();
        while (_orphaned.Count > 0 && _orphaned[0].Until <= now)
        {
            HostTid caller = _orphaned[0].Caller;
            _orphaned.RemoveAt(0);
            _calls.Remove(caller);
            _events.OnCreationRefused(caller, Errno.EINTR);
        }

        foreach (HostTid child in new List<HostTid>(_newborns.Keys))
        {
            (WaitStatus status, long since) = _newborns[child];
            if (now - since >= OrphanPatience)
            {
                _newborns.Remove(child);
                if (!status.Ended)
                {
                    Posix.Kill(child.Value, SIGKILL);
                    _newborns.Add(child, (status, now));
                }
            }
        }
    }
}
