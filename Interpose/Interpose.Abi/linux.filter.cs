using System.Runtime.InteropServices;

namespace Interpose.Abi;

/// <summary>linux/filter.h and linux/bpf_common.h: classic BPF, seccomp(2).</summary>
public static partial class Uapi
{
    public const int BPF_LD = 0;
    public const int BPF_ALU = 4;
    public const int BPF_JMP = 5;
    public const int BPF_RET = 6;
    public const int BPF_W = 0;
    public const int BPF_ABS = 32;
    public const int BPF_JEQ = 16;
    public const int BPF_JGT = 32;
    public const int BPF_JGE = 48;
    public const int BPF_JSET = 64;
    public const int BPF_JA = 0;
    public const int BPF_AND = 80;
    public const int BPF_K = 0;
    public const int BPF_MAXINSNS = 4096;
}

/// <summary>One instruction of classic BPF.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct sock_filter
{
    public ushort code;
    public byte jt;
    public byte jf;
    public uint k;
}

/// <summary>A program of classic BPF.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct sock_fprog
{
    [FieldOffset(0)]
    public ushort len;

    [FieldOffset(8)]
    public nuint filter;
}
