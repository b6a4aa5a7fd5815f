using System;
using System.Runtime.InteropServices;
using System.Text;
using Policies;

namespace RuleFuzz;

/// <summary>What a pointer points at; prober.h has the same list.</summary>
internal enum PointerKind : byte
{
    Null,
    Valid,
    Unaligned,
    Unmapped,
    ReadOnly,
    Kernel,
}

/// <summary>What a descriptor is.</summary>
internal enum DescriptorKind : byte
{
    Closed,
    Directory,
    Cgroup,
    TooLarge,
    RemovedCgroup,
    OwnNamespace,
    OwnPidFd,
    DeadPidFd,
    Pipe,
}

/// <summary>With whom a caller of unshare or setns shares.</summary>
internal enum Partner : byte
{
    Alone,
    Thread,
    Fs,
    Sighand,
    Vm,
}

/// <summary>One call: struct record of prober.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Record
{
    public const int Tids = 34;
    public const int TidFree = -100;
    public const int TidTaken = -101;

    /// <summary>What stands for those two where the rules look.</summary>
    public const int AnyFreeTid = 20_001;

    public const int AnyTakenTid = 20_002;

    public byte Entry;
    public PointerKind PidFd;
    public PointerKind ParentTid;
    public PointerKind ChildTid;
    public PointerKind Args;
    public PointerKind TidsPointer;
    public DescriptorKind Fd;
    public Partner Partner;
    public ulong Flags;
    public ulong ExitSignal;
    public ulong Stack;
    public ulong StackSize;
    public ulong Tls;
    public ulong Size;
    public ulong SetTidSize;
    public ulong Tail;
    public ulong Namespace;
    public fixed int SetTid[Tids];

    /// <summary>The call by its name.</summary>
    public readonly EntryPoint EntryPoint => (EntryPoint)(Entry + 1);

    /// <summary>One line that <c>--replay</c> takes.</summary>
    public readonly string Describe()
    {
        Record copy = this;
        return Convert.ToHexString(MemoryMarshal.AsBytes(new ReadOnlySpan<Record>(ref copy)));
    }

    /// <summary>The same for people.</summary>
    public readonly string Explain()
    {
        var text = new StringBuilder();
        text.Append($"{EntryPoint.Name()}(0x{Flags:x} {string.Join('|', CloneFlags.Of(Flags))}");
        text.Append($", signal {ExitSignal}, stack 0x{Stack:x}+0x{StackSize:x}, tls 0x{Tls:x}");
        text.Append($", size {Size}, args {Args}, tail {Tail}, pidfd {PidFd}, ptid {ParentTid}");
        text.Append($", ctid {ChildTid}, fd {Fd}, ns 0x{Namespace:x}, {Partner}, set_tid");
        text.Append($" {TidsPointer} {SetTidSize}: {SetTid[0]} {SetTid[1]})");
        return text.ToString();
    }

    /// <summary>Reads what <see cref="Describe"/> wrote.</summary>
    public static Record Parse(string line) =>
        MemoryMarshal.Read<Record>(Convert.FromHexString(line));
}
