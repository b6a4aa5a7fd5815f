using System.Runtime.InteropServices;

namespace Interpose.Abi;

/// <summary>linux/ptrace.h: ptrace(2).</summary>
public static partial class Uapi
{
    public const int PTRACE_TRACEME = 0;
    public const int PTRACE_PEEKDATA = 2;
    public const int PTRACE_PEEKUSR = 3;
    public const int PTRACE_POKEUSR = 6;
    public const int PTRACE_CONT = 7;
    public const int PTRACE_SYSCALL = 24;
    public const int PTRACE_GETREGS = 12;
    public const int PTRACE_SETREGS = 13;
    public const int PTRACE_DETACH = 17;
    public const int PTRACE_SETOPTIONS = 16896;
    public const int PTRACE_GETEVENTMSG = 16897;
    public const int PTRACE_GETSIGINFO = 16898;
    public const int PTRACE_SEIZE = 16902;
    public const int PTRACE_INTERRUPT = 16903;
    public const int PTRACE_LISTEN = 16904;
    public const int PTRACE_GETSIGMASK = 16906;
    public const int PTRACE_SETSIGMASK = 16907;
    public const int PTRACE_GET_SYSCALL_INFO = 16910;
    public const int PTRACE_O_TRACESYSGOOD = 1;
    public const int PTRACE_O_TRACEFORK = 2;
    public const int PTRACE_O_TRACEVFORK = 4;
    public const int PTRACE_O_TRACECLONE = 8;
    public const int PTRACE_O_TRACEEXEC = 16;
    public const int PTRACE_O_TRACEVFORKDONE = 32;
    public const int PTRACE_O_TRACEEXIT = 64;
    public const int PTRACE_O_TRACESECCOMP = 128;
    public const int PTRACE_O_EXITKILL = 1048576;
    public const int PTRACE_EVENT_FORK = 1;
    public const int PTRACE_EVENT_VFORK = 2;
    public const int PTRACE_EVENT_CLONE = 3;
    public const int PTRACE_EVENT_EXEC = 4;
    public const int PTRACE_EVENT_VFORK_DONE = 5;
    public const int PTRACE_EVENT_EXIT = 6;
    public const int PTRACE_EVENT_SECCOMP = 7;
    public const int PTRACE_EVENT_STOP = 128;
    public const int PTRACE_SYSCALL_INFO_NONE = 0;
    public const int PTRACE_SYSCALL_INFO_ENTRY = 1;
    public const int PTRACE_SYSCALL_INFO_EXIT = 2;
    public const int PTRACE_SYSCALL_INFO_SECCOMP = 3;
}

/// <summary>What PTRACE_GET_SYSCALL_INFO tells; a union of entry, exit and seccomp.</summary>
[StructLayout(LayoutKind.Explicit, Size = 88)]
public struct ptrace_syscall_info
{
    [FieldOffset(0)]
    public byte op;

    [FieldOffset(4)]
    public uint arch;

    [FieldOffset(8)]
    public ulong instruction_pointer;

    [FieldOffset(16)]
    public ulong stack_pointer;

    /// <summary>entry and seccomp: the call's number.</summary>
    [FieldOffset(24)]
    public ulong nr;

    /// <summary>exit: what the call returned.</summary>
    [FieldOffset(24)]
    public long rval;

    /// <summary>entry and seccomp: the first argument.</summary>
    [FieldOffset(32)]
    public ulong arg0;

    /// <summary>exit: whether the call failed.</summary>
    [FieldOffset(32)]
    public byte is_error;

    [FieldOffset(40)]
    public ulong arg1;

    [FieldOffset(48)]
    public ulong arg2;

    [FieldOffset(56)]
    public ulong arg3;

    [FieldOffset(64)]
    public ulong arg4;

    [FieldOffset(72)]
    public ulong arg5;

    /// <summary>seccomp: the 16 bits of the filter's answer.</summary>
    [FieldOffset(80)]
    public uint ret_data;
}
