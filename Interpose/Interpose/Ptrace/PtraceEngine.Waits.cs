using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Ptrace;

/// <content>
/// Calls that wait and are not restarted, when a signal ends them that the guest ignores.
/// </content>
public sealed partial class PtraceEngine
{
    private const ulong Interrupted = unchecked((ulong)-(long)Errno.EINTR);
    private const ulong Restart = unchecked((ulong)-(long)Errno.ERESTARTNOINTR);

    /// <summary>In the place of a signal: the task was woken and nothing is delivered.</summary>
    private const int NoSignal = 0;

    private static readonly ulong IgnoredByDefault = TraceeWaiter.Bit(SIGCHLD)
        | TraceeWaiter.Bit(SIGCONT) | TraceeWaiter.Bit(SIGURG) | TraceeWaiter.Bit(SIGWINCH);

    /// <summary>Tasks in such a call that was begun again; others are dropped in passing.</summary>
    private readonly List<Tracee> _waits = [];

    private long WaitDeadline
    {
        get
        {
            long first = long.MaxValue;
            for (int i = _waits.Count - 1; i >= 0; i--)
            {
                if (_waits[i].Wait is { Inside: true, Ended: false } wait)
                {
                    first = Earlier(first, wait.Deadline);
                }
                else
                {
                    _waits.RemoveAt(i);
                }
            }

            return first;
        }
    }

    /// <summary>
    /// A traced task is woken even by a signal that it ignores, and calls that are not restarted
    /// then return EINTR, which natively they do not. Such a call is made to start again. A
    /// caught signal that follows before it does takes that back, for that one does end it.
    /// </summary>
    /// <returns>
    /// The request to go on with: where the call has a time-out it is followed to its end, or
    /// signals that come more often than that would put the time-out off for ever.
    /// </returns>
    private static int KeepIgnoredSignalsSilent(Tracee tracee, int signal)
    {
        bool known = tracee.Restarted;
        RestartedWait? wait = tracee.Wait;
        tracee.Restarted = false;
        Forget(tracee);
        if (Tracing.Peek(tracee.Tid, OFFSET_RAX, out ulong rax) != Errno.None
            || (rax != Interrupted && !(known && rax == Restart))
            || Tracing.Peek(tracee.Tid, OFFSET_ORIG_RAX, out ulong call) != Errno.None
            || (long)call < 0)
        {
            return PTRACE_CONT;
        }

        ulong silent = IgnoredBy(tracee.Tid);
        bool ignored = signal == NoSignal || (silent & TraceeWaiter.Bit(signal)) != 0;
        if (ignored && rax == Interrupted)
        {
            Tracing.Poke(tracee.Tid, OFFSET_RAX, Restart);
        }
        else if (!ignored && rax == Restart)
        {
            Tracing.Poke(tracee.Tid, OFFSET_RAX, Interrupted);
        }

        tracee.Restarted = ignored;
        tracee.Wait = ignored ? wait ?? TimedWait(tracee.Tid, call) : null;
        if (tracee.Wait?.Mask is { } mask)
        {
            Tracing.WriteMask(tracee.Tid, mask | silent);
        }

        return tracee.Wait is null ? PTRACE_CONT : PTRACE_SYSCALL;
    }

    /// <summary>A wait is not followed any more.</summary>
    private static void Forget(Tracee tracee)
    {
        UnblockIgnored(tracee);
        tracee.Wait = null;
    }

    private static void UnblockIgnored(Tracee tracee)
    {
        if (tracee.Wait?.Mask is { } mask)
        {
            Tracing.WriteMask(tracee.Tid, mask);
        }
    }

    /// <summary>
    /// A call with a time-out that is about to begin again; null for any other. The time that
    /// it has waited already is not known, so the time-out counts from here once.
    /// </summary>
    /// <remarks>
    /// SO_RCVTIMEO and SO_SNDTIMEO of a socket only a copy of the guest's descriptor would tell,
    /// and closing that can block. There the signals that the guest ignores are blocked for the
    /// length of the call, so that none ends it again, and the kernel keeps the time.
    /// </remarks>
    private static RestartedWait? TimedWait(HostTid tid, ulong call)
    {
        const ulong again = unchecked((ulong)-(long)Errno.EAGAIN);
        return call switch
        {
            __NR_epoll_wait or __NR_epoll_pwait => InMilliseconds(tid, OFFSET_R10),
            __NR_epoll_pwait2 => InTimespec(tid, OFFSET_R10, 0),
            __NR_semtimedop => InTimespec(tid, OFFSET_R10, again),
            __NR_rt_sigtimedwait => InTimespec(tid, OFFSET_RDX, again),
            __NR_io_getevents or __NR_io_pgetevents => InTimespec(tid, OFFSET_R8, 0),
            __NR_read or __NR_readv or __NR_recvfrom or __NR_recvmsg or __NR_recvmmsg
                or __NR_write or __NR_writev or __NR_sendto or __NR_sendmsg or __NR_sendmmsg
                or __NR_accept or __NR_accept4 or __NR_connect or __NR_preadv2 or __NR_pwritev2
                or __NR_sendfile or __NR_splice => WithoutSignals(tid),
            _ => null,
        };
    }

    private static RestartedWait? WithoutSignals(HostTid tid) =>
        Tracing.ReadMask(tid, out ulong mask) == Errno.None
            ? new RestartedWait(long.MaxValue, 0, mask) : null;

    private static RestartedWait? InMilliseconds(HostTid tid, int register) =>
        Tracing.Peek(tid, register, out ulong value) == Errno.None && (int)value >= 0
            ? new RestartedWait(TraceeWaiter.Now + ((int)value * 1_000_000L), 0) : null;

    private static RestartedWait? InTimespec(HostTid tid, int register, ulong late)
    {
        timespec time = default;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<timespec>(ref time));
        const long most = long.MaxValue / 4_000_000_000;
        return Tracing.Peek(tid, register, out ulong address) == Errno.None && address != 0
            && GuestMemory.Read(tid, address, bytes, out int read) == Errno.None
            && read == bytes.Length && time.tv_sec is >= 0 and < most
            && time.tv_nsec is >= 0 and < 1_000_000_000
            ? new RestartedWait(
                TraceeWaiter.Now + (time.tv_sec * 1_000_000_000) + time.tv_nsec, late)
            : null;
    }

    /// <summary>The task enters the call again, or has left it.</summary>
    private void OnWaitStop(Tracee tracee, in RestartedWait wait)
    {
        if (Tracing.SyscallInfo(tracee.Tid, out ptrace_syscall_info info) != Errno.None)
        {
            return;
        }

        if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
        {
            tracee.Wait = wait with { Inside = true };
            tracee.Listed = true;
            _waits.Add(tracee);
            Resume(tracee, PTRACE_SYSCALL);
            return;
        }

        UnblockIgnored(tracee);
        bool interrupted = info.rval == -(long)Errno.EINTR;
        bool late = TraceeWaiter.Now >= wait.Deadline;
        if (interrupted && late)
        {
            Tracing.Poke(tracee.Tid, OFFSET_RAX, wait.Late);
        }

        // A signal stop may follow, and take it up again.
        tracee.Wait = interrupted && !late ? wait with { Inside = false } : null;
        Resume(tracee, PTRACE_CONT);
    }

    /// <summary>Ends waits whose time is over: they return, and are told of the time-out.</summary>
    private void EndWaits(long now)
    {
        foreach (Tracee tracee in _waits)
        {
            if (tracee.Wait is { Inside: true, Ended: false } wait && wait.Deadline <= now)
            {
                tracee.Wait = wait with { Ended = true };
                Tracing.Interrupt(tracee.Tid);
                _waiter.Resumed(tracee.Tid);
            }
        }
    }

    /// <summary>The signals that a task ignores; none when it is gone.</summary>
    private static ulong IgnoredBy(HostTid tid)
    {
        Span<ulong> masks = stackalloc ulong[2];
        return ProcStatus.TryRead(tid, 16, Dispositions, masks)
            ? masks[0] | (IgnoredByDefault & ~masks[1]) : 0;
    }
}
