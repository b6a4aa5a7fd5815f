using System;
using System.Runtime.InteropServices;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel;
using Sandbox.Kernel.Rules;
using static Interpose.Abi.Uapi;

namespace RuleFuzz;

/// <summary>
/// One record as the rules see it: registers, and memory of which only as much can be read as
/// the prober's has.
/// </summary>
internal sealed class Machine : IGuestMemory
{
    /// <summary>
    /// The low bytes of addresses are the prober's own, for a short struct cuts pointers off.
    /// </summary>
    private const ulong Region = 0x1_0000_0000_0000;

    private const ulong Unmapped = 0x10000;
    private const ulong Kernel = 0xffff_8000_0000_0000;
    private const int Slot = 64;
    private const int ReadableAtEnd = 40;
    private const int Readable = (2 * 4096) - 1025;
    private const ulong ArgsAt = 0x2000;
    private readonly byte[] _args = new byte[Readable];
    private readonly byte[] _tids = new byte[Record.Tids * sizeof(int)];
    private Record _record;
    private int _readable;

    /// <summary>What the rules say of a record: 0, or an errno; null when they cannot say.</summary>
    /// <param name="record">The call.</param>
    /// <param name="facts">Its caller.</param>
    /// <param name="host">The kernel.</param>
    /// <param name="by">The rule that decides, or at which knowledge ends.</param>
    /// <param name="versioned">It ends because nobody has seen this version's rule.</param>
    public Errno? Judge(
        in Record record, CallerFacts facts, HostFacts host, out string by, out bool versioned)
    {
        versioned = false;
        _record = record;
        EntryPoint entry = record.EntryPoint;
        CloneRequest request;
        if (entry is EntryPoint.Unshare or EntryPoint.Setns)
        {
            ulong flags = new NamespaceRequest(
                entry, new HostTid(1), record.Flags, record.Flags).Flags;
            request = new(entry, flags, 0, 0, 0, 0, 0, 0, 0, [], 0);
        }
        else if (CloneDecoder.Decode(Lay(), this, out request) is { } undecodable)
        {
            by = undecodable.Rule;
            return undecodable.Errno;
        }

        RuleVerdict verdict = KernelRules.Judge(new(request, facts, host));
        by = verdict.Broken?.Name ?? verdict.Unknown?.Name ?? "nothing";
        versioned = verdict.Unknown is { } rule && rule.IsIn(host.Version) is null;
        return verdict.Unknown is not null ? null : verdict.Broken?.Errno ?? Errno.None;
    }

    /// <summary>What an address that <see cref="Address"/> gave stands for.</summary>
    public static PointerKind KindAt(ulong address) => address switch
    {
        Unmapped => PointerKind.Unmapped,
        Kernel => PointerKind.Kernel,
        _ => (PointerKind)(address / Region),
    };

    /// <inheritdoc/>
    public Errno Read(HostTid task, ulong address, Span<byte> destination, out int read)
    {
        read = 0;
        ReadOnlySpan<byte> from = address == ArgsAt ? _args.AsSpan(0, _readable)
            : address == Address(PointerKind.Valid, 4) ? _tids : [];
        if (from.IsEmpty)
        {
            return Errno.EFAULT;
        }

        read = Math.Min(from.Length, destination.Length);
        from[..read].CopyTo(destination);
        return Errno.None;
    }

    private static ulong Address(PointerKind kind, ulong slot) => kind switch
    {
        PointerKind.Null => 0,
        PointerKind.Unmapped => Unmapped,
        PointerKind.Kernel => Kernel,
        PointerKind.ReadOnly => ((ulong)kind * Region) + (slot * Slot),
        PointerKind.Unaligned => ((ulong)kind * Region) + ((slot + 1) * Slot) + 1,
        _ => ((ulong)kind * Region) + ((slot + 1) * Slot),
    };

    /// <summary>The registers of the record that was judged last.</summary>
    public CloneCall Lay()
    {
        Record r = _record;
        var caller = new HostTid(1);
        if (r.EntryPoint != EntryPoint.Clone3)
        {
            return new(
                r.EntryPoint, caller, r.Flags, r.Stack, Address(r.ParentTid, 2),
                Address(r.ChildTid, 1), r.Tls);
        }

        bool inside = r.Args is PointerKind.Valid or PointerKind.Unaligned or PointerKind.ReadOnly;
        _readable = !inside ? 0 : r.Args == PointerKind.ReadOnly ? ReadableAtEnd : Readable;
        Array.Clear(_args);
        var args = new clone_args
        {
            flags = r.Flags,
            pidfd = Address(r.PidFd, 0),
            child_tid = Address(r.ChildTid, 1),
            parent_tid = Address(r.ParentTid, 2),
            exit_signal = r.ExitSignal,
            stack = r.Stack,
            stack_size = r.StackSize,
            tls = r.Tls,
            set_tid = Address(r.TidsPointer, 4),
            set_tid_size = r.SetTidSize,
            cgroup = (r.Flags & CLONE_INTO_CGROUP) == 0 ? 0
                : r.Fd == DescriptorKind.TooLarge ? 0x8000_0000 : 7,
        };
        MemoryMarshal.Write(_args, in args);
        _args[CLONE_ARGS_SIZE_VER2] = (byte)r.Tail;
        unsafe
        {
            Span<int> tids = MemoryMarshal.Cast<byte, int>(_tids.AsSpan());
            for (int i = 0; i < tids.Length; i++)
            {
                tids[i] = r.SetTid[i] switch
                {
                    Record.TidFree => Record.AnyFreeTid,
                    Record.TidTaken => Record.AnyTakenTid,
                    var tid => tid,
                };
            }
        }

        ulong at = inside ? ArgsAt : Address(r.Args, 0);
        return new(EntryPoint.Clone3, caller, at, r.Size, 0, 0, 0);
    }
}
