using System.Collections.Generic;
using System.Collections.Immutable;
using static Interpose.Abi.Uapi;

namespace Policies;

/// <summary>The flags of clone(2) by name, as policies, events and messages write them.</summary>
public static class CloneFlags
{
    /// <summary>The flags and their names.</summary>
    public static ImmutableArray<(ulong Bit, string Name)> Table { get; } =
    [
        (CLONE_NEWTIME, "CLONE_NEWTIME"),
        (CLONE_VM, "CLONE_VM"),
        (CLONE_FS, "CLONE_FS"),
        (CLONE_FILES, "CLONE_FILES"),
        (CLONE_SIGHAND, "CLONE_SIGHAND"),
        (CLONE_PIDFD, "CLONE_PIDFD"),
        (CLONE_PTRACE, "CLONE_PTRACE"),
        (CLONE_VFORK, "CLONE_VFORK"),
        (CLONE_PARENT, "CLONE_PARENT"),
        (CLONE_THREAD, "CLONE_THREAD"),
        (CLONE_NEWNS, "CLONE_NEWNS"),
        (CLONE_SYSVSEM, "CLONE_SYSVSEM"),
        (CLONE_SETTLS, "CLONE_SETTLS"),
        (CLONE_PARENT_SETTID, "CLONE_PARENT_SETTID"),
        (CLONE_CHILD_CLEARTID, "CLONE_CHILD_CLEARTID"),
        (CLONE_DETACHED, "CLONE_DETACHED"),
        (CLONE_UNTRACED, "CLONE_UNTRACED"),
        (CLONE_CHILD_SETTID, "CLONE_CHILD_SETTID"),
        (CLONE_NEWCGROUP, "CLONE_NEWCGROUP"),
        (CLONE_NEWUTS, "CLONE_NEWUTS"),
        (CLONE_NEWIPC, "CLONE_NEWIPC"),
        (CLONE_NEWUSER, "CLONE_NEWUSER"),
        (CLONE_NEWPID, "CLONE_NEWPID"),
        (CLONE_NEWNET, "CLONE_NEWNET"),
        (CLONE_IO, "CLONE_IO"),
        (CLONE_CLEAR_SIGHAND, "CLONE_CLEAR_SIGHAND"),
        (CLONE_INTO_CGROUP, "CLONE_INTO_CGROUP"),
    ];

    /// <summary>The flags that make a namespace: namespaces(7).</summary>
    public const ulong Namespaces = CLONE_NEWTIME | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS
        | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

    /// <summary>The flags by which a child shares what its creator has.</summary>
    public const ulong Sharing = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_SYSVSEM
        | CLONE_IO;

    /// <summary>
    /// Flags that would take a task out of observation. The engine strips them whatever the
    /// policy says: "CLONE_UNTRACED: [...] a tracing process cannot force CLONE_PTRACE on this
    /// child process" - clone(2).
    /// </summary>
    public const ulong AlwaysStripped = CLONE_UNTRACED | CLONE_PTRACE;

    /// <summary>
    /// Flags that can be taken out of a call which then still does what its caller relies on.
    /// Without the others it would get memory, a stack or a descriptor that it did not expect.
    /// </summary>
    public const ulong Strippable = AlwaysStripped | Namespaces | CLONE_PARENT | CLONE_FS
        | CLONE_FILES | CLONE_SYSVSEM | CLONE_IO | CLONE_DETACHED | CLONE_INTO_CGROUP;

    /// <summary>Flags that a policy can add: what the register form of clone(2) carries.</summary>
    public const ulong Addable = Namespaces & ~CLONE_NEWTIME;

    /// <summary>Every flag that has a name.</summary>
    public static ulong Known { get; } = AllBits();

    /// <summary>The names of all flags, in bit order.</summary>
    public static IEnumerable<string> Names
    {
        get
        {
            foreach ((_, string name) in Table)
            {
                yield return name;
            }
        }
    }

    /// <summary>The bit of a name; false when no flag has it.</summary>
    public static bool TryParse(string name, out ulong bit)
    {
        foreach ((ulong known, string called) in Table)
        {
            if (called == name)
            {
                bit = known;
                return true;
            }
        }

        bit = 0;
        return false;
    }

    /// <summary>The lowest bit of a set; 0 of none.</summary>
    public static ulong Lowest(ulong flags) => flags & (~flags + 1);

    /// <summary>
    /// The names of the bits set, in bit order; a bit without a name is given in hex.
    /// </summary>
    public static IReadOnlyList<string> Of(ulong flags)
    {
        var names = new List<string>();
        foreach ((ulong bit, string name) in Table)
        {
            if ((flags & bit) != 0)
            {
                names.Add(name);
                flags &= ~bit;
            }
        }

        if (flags != 0)
        {
            names.Add($"0x{flags:x}");
        }

        return names;
    }

    private static ulong AllBits()
    {
        ulong bits = 0;
        foreach ((ulong bit, _) in Table)
        {
            bits |= bit;
        }

        return bits;
    }
}
