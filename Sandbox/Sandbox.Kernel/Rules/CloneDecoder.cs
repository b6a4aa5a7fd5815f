using System;
using System.Runtime.InteropServices;
using Interpose.Abi;
using Policies;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Rules;

/// <summary>
/// Turns any of the four calls into one request: the kernel's sys_fork, sys_vfork, sys_clone and
/// <c>copy_clone_args_from_user</c>. Guest memory is copied once and never looked at again.
/// </summary>
public static class CloneDecoder
{
    private const int PageSize = 4096;
    private const int MaxPidNsLevel = 32;
    private const string CopyArgs = "copy_clone_args_from_user";

    /// <summary>Decodes a call, up to the checks that clone3 makes before any other.</summary>
    public static Refusal? Decode(
        in CloneCall call, IGuestMemory memory, out CloneRequest request)
    {
        request = default;
        switch (call.Entry)
        {
            case EntryPoint.Fork:
            case EntryPoint.Launch:
            case EntryPoint.Vfork:
                request = new(
                    call.Entry, FlagsInRegisters(call) ?? 0, SIGCHLD, 0, 0, 0, 0, 0, 0, [], 0);
                return null;
            case EntryPoint.Clone:
                request = FromRegisters(call);
                return null;
            default:
                return FromMemory(call, memory, out request);
        }
    }

    /// <summary>
    /// The flags of a call as far as no memory needs reading, without the exit signal; null for
    /// clone3, whose flags are in memory.
    /// </summary>
    public static ulong? FlagsInRegisters(in CloneCall call) => call.Entry switch
    {
        EntryPoint.Fork or EntryPoint.Launch => 0,
        EntryPoint.Vfork => CLONE_VFORK | CLONE_VM,
        EntryPoint.Clone => (uint)call.A0 & ~CSIGNAL,
        _ => null,
    };

    /// <summary>
    /// clone(flags, stack, parent_tid, child_tid, tls); the flags are 32 bits wide.
    /// </summary>
    private static CloneRequest FromRegisters(in CloneCall call) => new(
        EntryPoint.Clone,
        FlagsInRegisters(call) ?? 0,
        call.A0 & CSIGNAL,
        call.A2,
        call.A2,
        call.A3,
        call.A1,
        0,
        call.A4,
        [],
        0);

    private static Refusal? FromMemory(
        in CloneCall call, IGuestMemory memory, out CloneRequest request)
    {
        request = default;
        ulong size = call.A1;
        if (size > PageSize)
        {
            return Refuse(Errno.E2BIG, "size above a page");
        }

        if (size < CLONE_ARGS_SIZE_VER0)
        {
            return Refuse(Errno.EINVAL, "size below CLONE_ARGS_SIZE_VER0");
        }

        Span<byte> bytes = stackalloc byte[PageSize];
        Span<byte> asked = bytes[..(int)size];
        Errno errno = memory.Read(call.Caller, call.A0, asked, out int read);
        if (errno == Errno.EPERM)
        {
            return Unreadable();
        }

        if (CopyStruct(asked, read) is { } refusal)
        {
            return refusal;
        }

        asked[..Math.Min(asked.Length, CLONE_ARGS_SIZE_VER2)]
            .CopyTo(bytes[..CLONE_ARGS_SIZE_VER2]);
        bytes[Math.Min(asked.Length, CLONE_ARGS_SIZE_VER2)..CLONE_ARGS_SIZE_VER2].Clear();
        clone_args args = MemoryMarshal.Read<clone_args>(bytes);
        request = new(
            EntryPoint.Clone3, args.flags, args.exit_signal, args.pidfd, args.parent_tid,
            args.child_tid, args.stack, args.stack_size, args.tls, [], args.cgroup);
        return CheckCopied(call, args, memory) ?? ReadTids(call, args, memory, ref request);
    }

    /// <summary><c>copy_struct_from_user</c>: what is beyond the known size must be zero.</summary>
    private static Refusal? CopyStruct(ReadOnlySpan<byte> asked, int read)
    {
        if (asked.Length > CLONE_ARGS_SIZE_VER2 && read > CLONE_ARGS_SIZE_VER2
            && asked[CLONE_ARGS_SIZE_VER2..read].ContainsAnyExcept((byte)0))
        {
            return Refuse(Errno.E2BIG, "non-zero bytes beyond struct clone_args");
        }

        return read < asked.Length ? Refuse(Errno.EFAULT, "struct clone_args unreadable") : null;
    }

    private static Refusal? CheckCopied(
        in CloneCall call, in clone_args args, IGuestMemory memory)
    {
        if (args.set_tid_size > MaxPidNsLevel)
        {
            return Refuse(Errno.EINVAL, "set_tid_size above MAX_PID_NS_LEVEL");
        }

        if ((args.set_tid == 0) != (args.set_tid_size == 0))
        {
            return Refuse(Errno.EINVAL, "set_tid and set_tid_size disagree");
        }

        if ((args.exit_signal & ~CSIGNAL) != 0 || args.exit_signal > _NSIG)
        {
            return Refuse(Errno.EINVAL, "exit_signal is no signal");
        }

        if ((args.flags & CLONE_INTO_CGROUP) != 0
            && (args.cgroup > int.MaxValue || call.A1 < CLONE_ARGS_SIZE_VER2))
        {
            return Refuse(Errno.EINVAL, "cgroup is no descriptor");
        }

        return null;
    }

    private static Refusal? ReadTids(
        in CloneCall call, in clone_args args, IGuestMemory memory, ref CloneRequest request)
    {
        if (args.set_tid_size == 0)
        {
            return null;
        }

        var tids = new int[args.set_tid_size];
        Span<byte> bytes = MemoryMarshal.AsBytes(tids.AsSpan());
        Errno errno = memory.Read(call.Caller, args.set_tid, bytes, out int read);
        request = request with { SetTid = tids };
        return errno == Errno.EPERM ? Unreadable()
            : read < bytes.Length ? Refuse(Errno.EFAULT, "set_tid unreadable") : null;
    }

    private static Refusal Refuse(Errno errno, string rule) =>
        new(errno, RefusedBy.KernelRule, CopyArgs + ": " + rule);

    /// <summary>
    /// A guest that is not dumpable hides its memory from us: its clone3 cannot be carried.
    /// </summary>
    private static Refusal Unreadable() =>
        new(Errno.ENOSYS, RefusedBy.Engine, "clone3 of a task whose memory we may not read");
}
