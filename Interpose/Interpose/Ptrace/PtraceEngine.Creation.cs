using System;
using System.Collections.Generic;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Ptrace;

/// <content>
/// From the seccomp stop at the call to both tasks running: the stops of one creation.
/// </content>
public sealed partial class PtraceEngine
{
    /// <summary>
    /// Tasks that stopped for the first time before their parent's event was seen.
    /// </summary>
    private readonly Dictionary<HostTid, Newborn> _newborns = [];

    /// <summary>Children whose parents stand at their event: child to parent.</summary>
    private readonly Dictionary<HostTid, Tracee> _awaited = [];

    /// <summary>So many registers are written one by one; more are written all at once.</summary>
    private const int WordsAtOnce = 2;

    /// <summary>A call's number and arguments, in their order.</summary>
    private static ReadOnlySpan<int> CallRegisters =>
        [OFFSET_ORIG_RAX, OFFSET_RDI, OFFSET_RSI, OFFSET_RDX, OFFSET_R10, OFFSET_R8];

    /// <summary>The caller stands at its call. Nothing has run.</summary>
    private void OnSeccomp(Tracee tracee)
    {
        tracee.Restarted = false;
        Forget(tracee);
        if (Tracing.SyscallInfo(tracee.Tid, out ptrace_syscall_info info) != Errno.None)
        {
            return;
        }

        bool namespaces = (int)info.nr is __NR_unshare or __NR_setns;
        bool creates = (int)info.nr is __NR_clone or __NR_fork or __NR_vfork or __NR_clone3;
        if (info.ret_data != _mark || !(creates || namespaces))
        {
            // A filter of the guest's asks for a tracer that natively is not there.
            Skip(tracee, Errno.ENOSYS);
            return;
        }

        if (namespaces)
        {
            OnNamespaceCall(tracee, new(tracee.Tid, (int)info.nr, info.arg0, info.arg1));
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
        tracee.InCallSince = TraceeWaiter.Now;
        Write(tracee.Tid, asked, answer.Runs);

        // Success comes back as a clone event, failure as a syscall exit; PTRACE_CONT would
        // hide the failure.
        Resume(tracee, PTRACE_SYSCALL);
    }

    /// <summary>
    /// The caller stands at unshare(2) or setns(2), whose arguments are registers.
    /// </summary>
    private void OnNamespaceCall(Tracee tracee, in NamespaceCall asked)
    {
        NamespaceAnswer answer = _events.OnNamespacesAsked(asked);
        if (answer.Errno != Errno.None)
        {
            Skip(tracee, answer.Errno);
            return;
        }

        (tracee.Namespaces, tracee.State) = ((asked, answer.A0), TraceeState.InNamespaceCall);
        Write(tracee.Tid, OFFSET_RDI, asked.A0, answer.A0);
        Resume(tracee, PTRACE_SYSCALL);
    }

    /// <summary>The call does not run, and returns an error.</summary>
    private void Skip(Tracee tracee, Errno errno)
    {
        Tracing.Poke(tracee.Tid, OFFSET_ORIG_RAX, ulong.MaxValue);
        Tracing.Poke(tracee.Tid, OFFSET_RAX, unchecked((ulong)-(long)errno));
        Resume(tracee, PTRACE_CONT);
    }

    /// <summary>
    /// Changes the registers that differ between two calls, and no other: of a new thread the
    /// stack and thread pointer are its own already. Where most of them differ, all are read and
    /// written back together, for one word costs as much as all.
    /// </summary>
    private static void Write(HostTid tid, in CreationCall from, in CreationCall to)
    {
        ReadOnlySpan<ulong> old =
            [(ulong)from.Number, from.A0, from.A1, from.A2, from.A3, from.A4];
        ReadOnlySpan<ulong> wanted = [(ulong)to.Number, to.A0, to.A1, to.A2, to.A3, to.A4];
        int differ = 0;
        for (int i = 0; i < old.Length; i++)
        {
            differ += old[i] != wanted[i] ? 1 : 0;
        }

        if (differ <= WordsAtOnce)
        {
            for (int i = 0; i < old.Length; i++)
            {
                Write(tid, CallRegisters[i], old[i], wanted[i]);
            }

            return;
        }

        Span<ulong> registers = stackalloc ulong[USER_REGS];
        if (Tracing.ReadRegisters(tid, registers) == Errno.None)
        {
            for (int i = 0; i < old.Length; i++)
            {
                if (old[i] != wanted[i])
                {
                    registers[CallRegisters[i] / sizeof(ulong)] = wanted[i];
                }
            }

            Tracing.WriteRegisters(tid, registers);
        }
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
        if (parent.State == TraceeState.Free)
        {
            if (!ReadCall(parent.Tid, out CreationCall asked))
            {
                // Killed here, and the child, a thread of its process, with it. A signal to the
                // child would reach the thread that survives, where an exec killed the others.
                return;
            }

            if (!AskAfterwards(parent, asked))
            {
                // The filter let through what the run does not want: the child may not run.
                Posix.Kill(child.Value, SIGKILL);
                Resume(parent, PTRACE_CONT);
                return;
            }
        }

        parent.State = TraceeState.AwaitsChild;
        parent.Child = child;
        if (_newborns.Remove(child, out Newborn parked))
        {
            Join(parent, child, parked.Status);
        }
        else
        {
            _awaited.Add(child, parent);
            _waiter.Expected(child);
        }

        AdoptOrphans();
    }

    /// <summary>
    /// The kernel made a thread of a call that the filter lets through unasked: one about which
    /// the run has nothing to decide. It is taken up now, before the thread runs.
    /// </summary>
    private bool AskAfterwards(Tracee parent, in CreationCall asked)
    {
        CreationAnswer answer = _events.OnCreationAsked(asked);
        (parent.Asked, parent.Runs) = (asked, asked);
        bool same = answer.Errno == Errno.None && answer.Runs == asked;
        if (!same && answer.Errno == Errno.None)
        {
            _events.OnCreationRefused(parent.Tid, Errno.EPERM);
        }

        return same;
    }

    /// <summary>The call that a task stands in; false when the task is gone.</summary>
    private static bool ReadCall(HostTid tid, out CreationCall call)
    {
        Span<ulong> held = stackalloc ulong[CallRegisters.Length];
        for (int i = 0; i < held.Length; i++)
        {
            if (Tracing.Peek(tid, CallRegisters[i], out held[i]) != Errno.None)
            {
                call = default;
                return false;
            }
        }

        call = new(tid, (int)held[0], held[1], held[2], held[3], held[4], held[5]);
        return true;
    }

    /// <summary>A task is seen for the first time; its first stop, or its end before it.</summary>
    private void OnNewborn(in TraceeReport report)
    {
        if (_newborns.TryGetValue(report.Tid, out Newborn parked))
        {
            _newborns[report.Tid] = parked with { Status = report.Status };
            AdoptOrphans();
        }
        else if (_awaited.Remove(report.Tid, out Tracee? parent))
        {
            Join(parent, report.Tid, report.Status);
        }
        else
        {
            long now = TraceeWaiter.Now;
            _newborns.Add(report.Tid, new(report.Status, now, now + OrphanPatience));
            AdoptOrphans();
        }
    }

    /// <summary>Parent and child both stand: the child is published, then both go on.</summary>
    private void Join(Tracee parent, HostTid child, WaitStatus status)
    {
        CreationCall asked = parent.Asked;
        CreationCall runs = parent.Runs;
        Publish(parent.Tid, child, status, asked, runs, MakesThread(runs) ? parent.Leader : null);
        if (_tracees.TryGetValue(parent.Tid, out Tracee? living) && living == parent)
        {
            parent.State = TraceeState.Free;
            Write(parent.Tid, runs, asked);
            Resume(parent, PTRACE_CONT);
        }
    }

    /// <summary>Whether a call as it runs makes a thread; clone3 runs as clone.</summary>
    private static bool MakesThread(in CreationCall runs) =>
        runs.Number == __NR_clone && (runs.A0 & CLONE_THREAD) != 0;

    private void Publish(
        HostTid caller, HostTid child, WaitStatus status, in CreationCall asked,
        in CreationCall runs, Tracee? leader)
    {
        bool mayRun = _events.OnCreationMade(caller, child);
        if (status.Ended)
        {
            _events.OnExit(new TaskExit(child, status, default));
            return;
        }

        Tracee tracee = Track(child, leader);
        if (!mayRun)
        {
            Posix.Kill(child.Value, SIGKILL);
            return;
        }

        Write(child, runs, asked);
        OnEventStop(tracee, status.StopSignal, woken: false);
    }

    /// <summary>The approved call ended without a child, or the call for namespaces did.</summary>
    private void OnSyscallExit(Tracee tracee)
    {
        if (tracee.Wait is { } wait)
        {
            OnWaitStop(tracee, wait);
            return;
        }

        if (tracee.State is TraceeState.InCall or TraceeState.InNamespaceCall)
        {
            if (Tracing.SyscallInfo(tracee.Tid, out ptrace_syscall_info info) != Errno.None)
            {
                return;
            }

            bool creation = tracee.State == TraceeState.InCall;
            tracee.State = TraceeState.Free;
            bool again;
            if (creation)
            {
                Write(tracee.Tid, tracee.Runs, tracee.Asked);
                again = _events.OnCreationRefused(tracee.Tid, (Errno)(-info.rval));
                AdoptOrphans();
            }
            else
            {
                (NamespaceCall asked, ulong ran) = tracee.Namespaces;
                Write(tracee.Tid, OFFSET_RDI, ran, asked.A0);
                again = _events.OnNamespacesDone(tracee.Tid, (Errno)(-info.rval));
            }

            if (again)
            {
                Delay(tracee, creation ? tracee.Asked.Number : tracee.Namespaces.Asked.Number);
                return;
            }
        }

        Resume(tracee, PTRACE_CONT);
    }
}
