using System;
using System.Collections.Generic;
using Interpose.Abi;
using Policies;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>Calls that find out where a filter and its policy part.</summary>
/// <param name="program">The filter, whose constants are where mistakes would show.</param>
/// <param name="random">What chooses the rest.</param>
/// <param name="thorough">Whether flags are tried in pairs.</param>
internal sealed class FilterCalls(sock_filter[] program, Random random, bool thorough)
{
    private const int MostNumber = 1024;
    private const ulong Thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
        | CLONE_SYSVSEM;

    private static readonly uint[] Architectures =
        [0, 0x4000_0003, 0xC000_00B7, AUDIT_ARCH_X86_64 ^ 1, uint.MaxValue];

    public IEnumerable<seccomp_data> All()
    {
        foreach (uint number in Numbers())
        {
            foreach (uint word in new uint[] { 0, 8, TIOCSTI, TIOCSTI + 1, TIOCLINUX, uint.MaxValue })
            {
                yield return Call(number, 0, word);
                yield return Call(number, word, (ulong)word << 32);
                yield return Call(number, Word(), Word() | word) with { arg2 = word, arg5 = Word() };
            }

            foreach (uint architecture in Architectures)
            {
                yield return Call(number, Word(), Word()) with { arch = architecture };
            }
        }

        foreach (ulong word in Words())
        {
            yield return Call(__NR_clone, word, 0);
            yield return Call(__NR_unshare, word, 0);
        }

        foreach (uint number in CreationFilterTests.SetId)
        {
            const ulong mode = 0x800;
            foreach (ulong bit in Bits(0x1_0044_0fff))
            {
                // The bit in the mode of each, then in the flags of those that have some.
                yield return Call(number, 0, bit) with { arg2 = bit };
                yield return Call(number, 0, 0x40) with { arg2 = 0x40 | bit, arg3 = bit };
                yield return Call(number, 0, bit) with { arg2 = mode };
                yield return Call(number, 0, 0) with { arg2 = bit, arg3 = mode };
            }
        }

        foreach (ulong bit in Bits(ulong.MaxValue))
        {
            yield return Call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, bit);
            yield return Call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, ~bit);
            yield return Call(__NR_ioctl, 0, TIOCSTI ^ bit);
            yield return Call(__NR_ioctl, 0, TIOCLINUX ^ bit);
            yield return Call(__NR_setns, 3, bit);
            yield return Call(__NR_clone, (Thread | SIGCHLD) ^ bit, Word());
            yield return Call(__NR_clone, Thread & ~bit, bit);
        }
    }

    private static seccomp_data Call(uint number, ulong arg0, ulong arg1) => new()
    {
        nr = (int)number,
        arch = AUDIT_ARCH_X86_64,
        arg0 = arg0,
        arg1 = arg1,
    };

    private SortedSet<uint> Numbers()
    {
        SortedSet<uint> numbers =
            [0, 1, 511, 0x3fff_ffff, 0x4000_0000, 0x4000_0000 + __NR_clone, uint.MaxValue];
        foreach (sock_filter line in program)
        {
            if ((line.code & 7) == BPF_JMP && line.k is > 0 and < MostNumber)
            {
                numbers.UnionWith([line.k - 1, line.k, line.k + 1]);
            }
        }

        return numbers;
    }

    /// <summary>First arguments: each half alone, and both.</summary>
    private HashSet<ulong> Words()
    {
        HashSet<ulong> words = [0, ulong.MaxValue];
        foreach (sock_filter line in program)
        {
            foreach (uint word in new[] { line.k, line.k - 1, line.k + 1, ~line.k })
            {
                words.UnionWith([word, (ulong)word << 32, word | (Word() << 32)]);
            }
        }

        foreach (ulong bit in Bits(ulong.MaxValue))
        {
            words.UnionWith([bit, bit | CLONE_THREAD, bit | CLONE_VFORK, bit | SIGCHLD]);
            foreach (ulong other in thorough ? Bits(CloneFlags.Known) : [])
            {
                words.UnionWith([bit | other, Thread | bit | other]);
            }
        }

        for (int i = 0; i < (thorough ? 4000 : 200); i++)
        {
            // Few bits at once, for many are refused by one rule or another.
            ulong few = Word() & Word() & Word();
            words.UnionWith([Word(), few, few & CloneFlags.Known, few & CloneFlags.Namespaces]);
        }

        return words;
    }

    private ulong Word() => (ulong)random.NextInt64(long.MinValue, long.MaxValue);

    private static IEnumerable<ulong> Bits(ulong of)
    {
        for (; of != 0; of &= of - 1)
        {
            yield return CloneFlags.Lowest(of);
        }
    }
}
