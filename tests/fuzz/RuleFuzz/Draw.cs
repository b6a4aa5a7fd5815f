using System;
using System.Collections.Generic;
using Policies;
using static Interpose.Abi.Uapi;

namespace RuleFuzz;

/// <summary>Draws calls: mostly small changes to what programs do, sometimes anything.</summary>
internal sealed class Draw(int seed)
{
    private static readonly ulong[] Groups =
    [
        0, CLONE_VM | CLONE_VFORK,
        CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
            | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
        CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, CLONE_NEWUSER, CLONE_PIDFD,
        CLONE_VM | CLONE_SIGHAND, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD,
        CLONE_NEWUSER | CLONE_NEWPID, CLONE_INTO_CGROUP,
    ];

    private static readonly ulong[] Numbers =
    [
        0, 1, 8, 0x1000, 0x7fff_ffff_efff, 0x7fff_ffff_f000, 0x7fff_ffff_f001, 0x8000_0000_0000,
        0xff_ffff_ffff_efff, 0xff_ffff_ffff_f000, 0xff_ffff_ffff_f001, 0x100_0000_0000_0000,
        ulong.MaxValue, ulong.MaxValue - 4095,
    ];

    private static readonly ulong[] Signals =
        [0, 17, 17, 17, 10, 34, 64, 65, 127, 200, 255, 256, ulong.MaxValue];

    private static readonly ulong[] Sizes =
        [88, 88, 88, 88, 0, 63, 64, 65, 72, 80, 87, 89, 90, 96, 128, 2000, 4096, 4097, 1UL << 40];

    /// <summary>The end of the addresses that a processor takes for a stack at all.</summary>
    private const ulong Canonical = 0x8000_0000_0000;

    private readonly Random _random = new(seed);

    /// <summary>Every set of up to three flags for an entry.</summary>
    public static IEnumerable<Record> Exhaustive(EntryPoint entry)
    {
        var bits = new List<ulong> { 0 };
        foreach (string name in CloneFlags.Names)
        {
            bits.Add(CloneFlags.TryParse(name, out ulong bit) ? bit : 0);
        }

        for (int a = 0; a < bits.Count; a++)
        {
            for (int b = a; b < bits.Count; b++)
            {
                for (int c = b; c < bits.Count; c++)
                {
                    ulong flags = bits[a] | bits[b] | bits[c];
                    bool inherits = (flags & (CLONE_THREAD | CLONE_PARENT)) != 0;
                    yield return Plain(entry) with
                    {
                        Flags = entry == EntryPoint.Clone ? flags | SIGCHLD : flags,
                        ExitSignal = inherits ? 0 : (ulong)SIGCHLD,
                    };
                }
            }
        }
    }

    /// <summary>
    /// Every setns of up to two types on the caller's own pidfd, whoever shares with it.
    /// </summary>
    public static IEnumerable<Record> Installed()
    {
        ulong[] types = [.. Types()];
        foreach (Partner partner in Enum.GetValues<Partner>())
        {
            for (int a = 0; a < types.Length; a++)
            {
                for (int b = a; b < types.Length; b++)
                {
                    yield return Plain(EntryPoint.Setns) with
                    {
                        Fd = DescriptorKind.OwnPidFd,
                        Partner = partner,
                        Flags = types[a] | types[b],
                    };
                }
            }
        }
    }

    /// <summary>One call that suits a state.</summary>
    public Record Next(State state)
    {
        EntryPoint entry = _random.Next(100) switch
        {
            < 1 => EntryPoint.Fork,
            < 2 => EntryPoint.Vfork,
            < 35 => EntryPoint.Clone,
            < 94 => EntryPoint.Clone3,
            < 97 => EntryPoint.Unshare,
            _ => EntryPoint.Setns,
        };
        bool namespaces = entry is EntryPoint.Unshare or EntryPoint.Setns;
        entry = namespaces && !state.Namespaces ? EntryPoint.Clone : entry;
        Record record = Plain(entry) with { Flags = Flags() };
        return entry switch
        {
            EntryPoint.Clone => Clone(record),
            EntryPoint.Clone3 => Clone3(record, state),
            EntryPoint.Unshare or EntryPoint.Setns => Namespaces(record),
            _ => record,
        };
    }

    private static Record Plain(EntryPoint entry) => new()
    {
        Entry = (byte)(entry - 1),
        Args = PointerKind.Valid,
        PidFd = PointerKind.Valid,
        ParentTid = PointerKind.Valid,
        ChildTid = PointerKind.Valid,
        Size = 88,
    };

    private Record Clone(Record record)
    {
        // The low byte is the exit signal; SIGKILL and SIGSTOP would hit the prober itself.
        ulong signal = Pick(Signals) & 0xff;
        record.Flags = (record.Flags & ~0xffUL) | signal | (Rarely(20) ? Any() << 32 : 0);
        record.ParentTid = Pointer();
        record.ChildTid = Pointer();
        record.Tls = Pick(Numbers);
        record.Stack = Rarely(4) ? Pick(Numbers) : 0;
        if ((record.Flags & CLONE_THREAD) != 0 && record.Stack >= Canonical)
        {
            // The fault of a thread that starts there would end the whole prober.
            record.Stack = 0;
        }

        return record;
    }

    private unsafe Record Clone3(Record record, State state)
    {
        record.ExitSignal = Pick(Signals);
        if ((record.Flags & (CLONE_THREAD | CLONE_PARENT)) != 0 && !Rarely(4))
        {
            record.ExitSignal = 0;
        }

        record.PidFd = Pointer();
        record.ParentTid = Pointer();
        record.ChildTid = Pointer();
        record.Tls = Pick(Numbers);
        record.Size = Pick(Sizes);
        record.Tail = Rarely(2) ? 1UL : 0;
        record.Args = Rarely(10) ? Pointer() : PointerKind.Valid;
        record.Fd = (DescriptorKind)_random.Next(5);
        if (Rarely(3))
        {
            (record.Stack, record.StackSize) = (Pick(Numbers), Pick(Numbers));
        }

        if (state.Tids && Rarely(5))
        {
            record.TidsPointer = Rarely(5) ? PointerKind.Unmapped : PointerKind.Valid;
            record.SetTidSize = Rarely(5) ? (ulong)_random.Next(40) : (ulong)_random.Next(1, 4);
            for (int i = 0; i < Record.Tids; i++)
            {
                record.SetTid[i] = Tid(i, (record.Flags & CLONE_NEWPID) != 0);
            }
        }
        else if (Rarely(20))
        {
            record.SetTidSize = (ulong)_random.Next(3);
        }

        return record;
    }

    /// <summary>
    /// With a new pid namespace the first tid is in it; the numbers there are all free.
    /// </summary>
    private int Tid(int index, bool fresh) => fresh && index == 0
        ? (Rarely(2) ? 1 : Pick([0, -1, 2, 300, 4_194_303, 4_194_304]))
        : Pick([0, -1, 1, Record.TidFree, Record.TidFree, Record.TidTaken, int.MaxValue]);

    private Record Namespaces(Record record)
    {
        record.Partner = (Partner)_random.Next(5);
        if (record.EntryPoint == EntryPoint.Unshare)
        {
            record.Flags |= Rarely(20) ? 1UL << _random.Next(64) : 0;
            return record;
        }

        record.Fd = Pick(
        [
            DescriptorKind.Closed, DescriptorKind.Directory, DescriptorKind.OwnNamespace,
            DescriptorKind.OwnNamespace, DescriptorKind.OwnPidFd, DescriptorKind.DeadPidFd,
            DescriptorKind.Pipe,
        ]);
        ulong[] types = [.. Types()];
        record.Namespace = Pick(types);
        record.Flags = Rarely(3) ? 0 : Rarely(2) ? record.Namespace
            : Rarely(3) ? record.Flags : Pick(types) | Pick(types);
        return record;
    }

    private static IEnumerable<ulong> Types()
    {
        foreach (string name in CloneFlags.Of(CloneFlags.Namespaces))
        {
            yield return CloneFlags.TryParse(name, out ulong bit) ? bit : 0;
        }
    }

    private ulong Flags()
    {
        ulong flags = Pick(Groups);
        for (int changes = _random.Next(4); changes > 0; changes--)
        {
            flags ^= 1UL << _random.Next(7, 34);
        }

        flags |= Rarely(50) ? 1UL << _random.Next(64) : 0;

        // Making and ending a network costs milliseconds.
        return Rarely(10) ? flags : flags & ~CLONE_NEWNET;
    }

    private PointerKind Pointer() =>
        Rarely(3) ? (PointerKind)_random.Next(6) : PointerKind.Valid;

    private ulong Any() => (ulong)_random.NextInt64();

    private bool Rarely(int one) => _random.Next(one) == 0;

    private T Pick<T>(T[] from) => from[_random.Next(from.Length)];
}
