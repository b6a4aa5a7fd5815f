using System;
using System.Collections.Generic;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Ptrace;

/// <content>
/// Creations whose caller was killed in the middle: nobody says any more whether there is a child.
/// </content>
public sealed partial class PtraceEngine
{
    private const long OrphanPatience = 1_000_000_000;
    private static readonly string[] GroupField = ["Tgid:"];

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
            foreach (Newborn newborn in _newborns.Values)
            {
                first = Earlier(first, newborn.Until);
            }

            return first;
        }
    }

    /// <summary>
    /// A task is gone, perhaps in the middle of its creation call. Killed before the event, a
    /// child may or may not exist; after it, the child exists and is published when it reports.
    /// </summary>
    private void Abandon(Tracee tracee)
    {
        tracee.Wait = null;
        if (tracee.State is TraceeState.Free or TraceeState.InNamespaceCall)
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
    /// made it: none is in a call that began before the task was seen.
    /// </summary>
    private void AdoptOrphans()
    {
        if (_orphaned.Count == 0 || _newborns.Count == 0)
        {
            return;
        }

        long sure = OldestCall();
        foreach (HostTid child in new List<HostTid>(_newborns.Keys))
        {
            Newborn newborn = _newborns[child];
            if (_orphaned.Count == 0 || newborn.Since >= sure)
            {
                continue;
            }

            int at = newborn.Status.Ended ? FindCreatorOfDead(child) : FindCreator(child);
            if (at < 0)
            {
                continue;
            }

            HostTid caller = _orphaned[at].Caller;
            _orphaned.RemoveAt(at);
            _newborns.Remove(child);
            _calls.Remove(caller, out (CreationCall Asked, CreationCall Runs) call);
            Publish(caller, child, newborn.Status, call.Asked, call.Runs, leader: null);
        }
    }

    /// <summary>
    /// The dead caller whose call a newborn's registers still show; -1 for none. It is none that
    /// made a thread, for a thread dies with its creator's process. Of several with the same call
    /// nothing tells which it was; the last to die is the likeliest.
    /// </summary>
    private int FindCreator(HostTid child)
    {
        for (int i = _orphaned.Count - 1; i >= 0; i--)
        {
            CreationCall runs = _calls[_orphaned[i].Caller].Runs;
            if (!MakesThread(runs) && Holds(child, OFFSET_ORIG_RAX, (ulong)runs.Number)
                && Holds(child, OFFSET_RDI, runs.A0) && Holds(child, OFFSET_RSI, runs.A1)
                && Holds(child, OFFSET_RDX, runs.A2) && Holds(child, OFFSET_R10, runs.A3)
                && Holds(child, OFFSET_R8, runs.A4))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>
    /// The dead caller that a task may be given to which ended before it was seen to begin; -1
    /// for none. Nothing tells it from others, but a process that its parent has not waited for
    /// yet shows that it was no thread.
    /// </summary>
    private int FindCreatorOfDead(HostTid child)
    {
        Span<ulong> group = stackalloc ulong[1];
        bool known = ProcStatus.TryRead(child, 10, GroupField, group);
        for (int i = 0; i < _orphaned.Count; i++)
        {
            bool thread = MakesThread(_calls[_orphaned[i].Caller].Runs);
            if (!known || thread == (group[0] != (ulong)child.Value))
            {
                return i;
            }
        }

        return -1;
    }

    private static bool Holds(HostTid tid, int offset, ulong value) =>
        Tracing.Peek(tid, offset, out ulong held) == Errno.None && held == value;

    /// <summary>
    /// When the call was resumed that a living caller has been in for longest; long.MaxValue
    /// while none is in a call. Its event may wait unseen for as long as it takes.
    /// </summary>
    private long OldestCall()
    {
        long oldest = long.MaxValue;
        foreach (Tracee tracee in _tracees.Values)
        {
            if (tracee.State == TraceeState.InCall)
            {
                oldest = Earlier(oldest, tracee.InCallSince);
            }
        }

        return oldest;
    }

    /// <summary>
    /// No caller lives that could still claim a task which ended before it was seen to begin.
    /// </summary>
    private void ForgetUnclaimed()
    {
        foreach (HostTid child in new List<HostTid>(_newborns.Keys))
        {
            if (_newborns[child].Status.Ended)
            {
                _newborns.Remove(child);
            }
        }
    }

    /// <summary>
    /// No child appeared of a caller that died: its creation never happened. No caller can be
    /// found for a newborn: it may not run.
    /// </summary>
    /// <param name="now">
    /// A moment before which nothing stands that was not looked at: however late we are, an event
    /// that waits for us is never taken for one that does not come.
    /// </param>
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

        long sure = OldestCall();
        foreach (HostTid child in new List<HostTid>(_newborns.Keys))
        {
            Newborn newborn = _newborns[child];
            if (newborn.Until > now)
            {
                continue;
            }

            bool unclaimed = newborn.Since < sure;
            if (unclaimed && newborn.Status.Ended)
            {
                _newborns.Remove(child);
                continue;
            }

            if (unclaimed)
            {
                Posix.Kill(child.Value, SIGKILL);
            }

            _newborns[child] = newborn with { Until = now + OrphanPatience };
        }
    }

    /// <summary>A task that no creator has been found for.</summary>
    /// <param name="Status">Its last report.</param>
    /// <param name="Since">When it was seen for the first time.</param>
    /// <param name="Until">When it is killed if no creator can have been found for it.</param>
    private readonly record struct Newborn(WaitStatus Status, long Since, long Until);
}
