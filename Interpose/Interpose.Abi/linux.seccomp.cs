using System.Runtime.InteropServices;

namespace Interpose.Abi;

/// <summary>linux/seccomp.h: seccomp(2).</summary>
public static partial class Uapi
{
    public const uint SECCOMP_MODE_FILTER = 0x2;
    public const uint SECCOMP_SET_MODE_STRICT = 0x0;
    public const uint SECCOMP_SET_MODE_FILTER = 0x1;
    public const uint SECCOMP_GET_ACTION_AVAIL = 0x2;
    public const uint SECCOMP_FILTER_FLAG_TSYNC = 0x1;
    public const uint SECCOMP_FILTER_FLAG_NEW_LISTENER = 0x8;
    public const uint SECCOMP_FILTER_FLAG_SPEC_ALLOW = 0x4;
    public const uint SECCOMP_RET_KILL_PROCESS = 0x80000000;
    public const uint SECCOMP_RET_KILL_THREAD = 0x0;
    public const uint SECCOMP_RET_TRAP = 0x30000;
    public const uint SECCOMP_RET_ERRNO = 0x50000;
    public const uint SECCOMP_RET_USER_NOTIF = 0x7fc00000;
    public const uint SECCOMP_RET_TRACE = 0x7ff00000;
    public const uint SECCOMP_RET_LOG = 0x7ffc0000;
    public const uint SECCOMP_RET_ALLOW = 0x7fff0000;
    public const uint SECCOMP_RET_DATA = 0xffff;
    public const uint SECCOMP_RET_ACTION_FULL = 0xffff0000;
}

/// <summary>What a filter sees of a call.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct seccomp_data
{
    public int nr;
    public uint arch;
    public ulong instruction_pointer;
    public ulong arg0;
    public ulong arg1;
    public ulong arg2;
    public ulong arg3;
    public ulong arg4;
    public ulong arg5;
}
