using System.Collections.Generic;
using System.Collections.Immutable;
using static Interpose.Abi.Uapi;

namespace Policies;

/// <summary>The flags of clone(2) by name, as policies, events and messages write them.</summary>
public static class CloneFlagNames
{
    private static readonly ImmutableArray<(ulong Bit, string Name)> Table =
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
}
