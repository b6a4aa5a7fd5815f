using System;
using System.Globalization;
using Interpose.Abi;
using Interpose.Placement;
using Policies;

namespace Sandbox.Supervisor;

/// <summary>
/// The namespaces of a stopped task, and those that a setns(2) of it would enter.
/// </summary>
internal sealed class NamespaceLinks
{
    private readonly string?[] _links = new string?[NamespaceTypes.Count];

    private NamespaceLinks()
    {
    }

    /// <summary>The namespaces that a task has now.</summary>
    public static NamespaceLinks Of(HostTid task)
    {
        var now = new NamespaceLinks();
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            now._links[(int)type] = Read(task, type);
        }

        return now;
    }

    /// <summary>
    /// The name of a namespace that a task has; of pid and time the one that its children get.
    /// </summary>
    /// <returns>Null when it cannot be told: a pid namespace has none before its init.</returns>
    public static string? Read(HostTid task, NamespaceType type) =>
        TaskAttributes.Namespace(task, type switch
        {
            NamespaceType.Pid => "pid_for_children",
            NamespaceType.Time => "time_for_children",
            _ => type.KernelName(),
        });

    /// <summary>The name of one.</summary>
    public string? Of(NamespaceType type) => _links[(int)type];

    /// <summary>The types in which two moments of one task differ, as CLONE_NEW flags.</summary>
    public ulong DifferenceTo(NamespaceLinks other)
    {
        ulong flags = 0;
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            flags |= Of(type) == other.Of(type) ? 0 : type.Flag();
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
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            if (link.StartsWith(type.KernelName() + ":[", StringComparison.Ordinal))
            {
                return type.Flag();
            }
        }

        return link.Contains("pidfd", StringComparison.Ordinal)
            ? (uint)flags & CloneFlags.Namespaces : 0;
    }
}
