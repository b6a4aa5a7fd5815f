using System;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.LibC;

/// <summary>
/// ptrace(2) on a stopped task. ESRCH can only mean that it was killed meanwhile: its end is
/// seen by the next wait, so callers need not look.
/// </summary>
internal static unsafe class Tracing
{
    public static Errno Seize(HostTid tid, int options) => Call(PTRACE_SEIZE, tid, 0, options);

    public static Errno Resume(HostTid tid, int request, int signal) =>
        Call(request, tid, 0, signal);

    /// <summary>Makes a running task stop: PTRACE_INTERRUPT.</summary>
    public static Errno Interrupt(HostTid tid) => Call(PTRACE_INTERRUPT, tid, 0, 0);

    public static Errno Poke(HostTid tid, int offset, ulong value) =>
        Call(PTRACE_POKEUSR, tid, offset, (nint)value);

    public static Errno Peek(HostTid tid, int offset, out ulong value)
    {
        ulong word = 0;

        // SAFETY: the kernel writes one word to the address of a local.
        Errno errno = Call(PTRACE_PEEKUSR, tid, offset, (nint)(&word));
        value = word;
        return errno;
    }

    /// <summary>All general registers, by their offset in <c>user_regs_struct</c>.</summary>
    public static Errno ReadRegisters(HostTid tid, Span<ulong> registers)
    {
        fixed (ulong* words = registers)
        {
            // SAFETY: the kernel writes sizeof(user_regs_struct), which the caller's span has.
            return Call(PTRACE_GETREGS, tid, 0, (nint)words);
        }
    }

    public static Errno WriteRegisters(HostTid tid, ReadOnlySpan<ulong> registers)
    {
        fixed (ulong* words = registers)
        {
            // SAFETY: the kernel reads sizeof(user_regs_struct), which the caller's span has.
            return Call(PTRACE_SETREGS, tid, 0, (nint)words);
        }
    }

    /// <summary>The signals that a task blocks: PTRACE_GETSIGMASK.</summary>
    public static Errno ReadMask(HostTid tid, out ulong mask)
    {
        ulong word = 0;

        // SAFETY: the kernel writes one word to the address of a local.
        Errno errno = Call(PTRACE_GETSIGMASK, tid, sizeof(ulong), (nint)(&word));
        mask = word;
        return errno;
    }

    // SAFETY: the kernel reads one word from the address of a local.
    public static Errno WriteMask(HostTid tid, ulong mask) =>
        Call(PTRACE_SETSIGMASK, tid, sizeof(ulong), (nint)(&mask));

    public static Errno EventMessage(HostTid tid, out ulong message)
    {
        ulong word = 0;

        // SAFETY: the kernel writes one word to the address of a local.
        Errno errno = Call(PTRACE_GETEVENTMSG, tid, 0, (nint)(&word));
        message = word;
        return errno;
    }

    public static Errno SyscallInfo(HostTid tid, out ptrace_syscall_info info)
    {
        ptrace_syscall_info local = default;

        // SAFETY: the kernel writes at most the size that it is told.
        long result = Native.Quick(
            __NR_ptrace, PTRACE_GET_SYSCALL_INFO, tid.Value, sizeof(ptrace_syscall_info),
            (nint)(&local));
        info = local;
        return Native.ErrnoOf(result);
    }

    /// <summary>Why a task stands still now: PTRACE_GETSIGINFO.</summary>
    public static Errno StopInfo(HostTid tid, out siginfo_t info)
    {
        siginfo_t local = default;

        // SAFETY: the kernel writes a siginfo_t, which ours has the size of.
        Errno errno = Call(PTRACE_GETSIGINFO, tid, 0, (nint)(&local));
        info = local;
        return errno;
    }

    private static Errno Call(int request, HostTid tid, nint address, nint data) =>
        Native.ErrnoOf(Native.Quick(__NR_ptrace, request, tid.Value, address, data));
}
