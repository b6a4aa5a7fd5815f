using System;
using System.Globalization;
using Interpose.Abi;
using Interpose.Placement;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <summary>
/// The namespaces of a stopped task, and those that a setns(2) of it would enter.
/// </summary>
internal sealed class NamespaceLinks
{
    private static readonly (ulong Flag, string Link)[] Types =
    [
        (CLONE_NEWUSER, "user"), (CLONE_NEWNS, "mnt"), (CLONE_NEWUTS, "uts"),
        (CLONE_NEWIPC, "ipc"), (CLONE_NEWPID, "pid_for_children"), (CLONE_NEWCGROUP, "cgroup"),
        (CLONE_NEWNET, "net"), (CLONE_NEWTIME, "time"),
    ];

    private readonly string?[] _links = new string?[Types.Length];

    private NamespaceLinks()
    {
    }

    /// <summary>The namespaces that a task has now.</summary>
    public static NamespaceLinks Of(HostTid task)
    {
        var now = new NamespaceLinks();
        for (int i = 0; i < Types.Length; i++)
        {
            now._links[i] = TaskAttributes.Namespace(task, Types[i].Link);
        }

        return now;
    }

    /// <summary>The types in which two moments of one task differ, as CLONE_NEW flags.</summary>
    public ulong DifferenceTo(NamespaceLinks other)
    {
        ulong flags = 0;
        for (int i = 0; i < Types.Length; i++)
        {
            flags |= _links[i] == other._links[i] ? 0 : Types[i].Flag;
        }

        return flags;
    }

    /// <summary>
    /// The types that a setns(2) enters: of a namespace its own, of a process those that the
    /// caller asks for. Anything else the kernel refuses.
    /// </summary>
    /// <param name="caller">Who calls; its descriptor can change until the call runs.</param>
    /// <param name="fd">The first argument.</param>
    /// <param name="flags">The second.</param>
    public static ulong EnteredBy(HostTid caller, ulong fd, ulong flags)
    {
        string number = ((int)fd).ToString(CultureInfo.InvariantCulture);
        string link = TaskAttributes.Descriptor(caller, number) ?? string.Empty;
        foreach ((ulong flag, string name) in Types)
        {
            if (link.StartsWith(name.Split('_')[0] + ":[", StringComparison.Ordinal))
            {
                return flag;
            }
        }

        return link.Contains("pidfd", StringComparison.Ordinal)
            ? (uint)flags & Policies.CloneFlags.Namespaces : 0;
    }
}
