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
    /// <summary>By type: a name, empty for none, null for what cannot be told.</summary>
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
            now._links[(int)type] = Look(task, type);
        }

        return now;
    }

    /// <summary>
    /// The name of a namespace that a task has; of pid and time the one that its children get.
    /// </summary>
    /// <returns>
    /// Null when there is none, as of pid before its init, or it cannot be told.
    /// </returns>
    public static string? Read(HostTid task, NamespaceType type) =>
        Look(task, type) is { Length: > 0 } name ? name : null;

    /// <summary>The name of one; null when it cannot be told.</summary>
    public string? Of(NamespaceType type) => _links[(int)type];

    /// <summary>
    /// The types in which two moments of one task differ, as CLONE_NEW flags; what cannot be told
    /// differs.
    /// </summary>
    public ulong DifferenceTo(NamespaceLinks other)
    {
        ulong flags = 0;
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            bool same = Of(type) is { } name && name == other.Of(type);
            flags |= same ? 0 : type.Flag();
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
    /// <returns>Null when the caller's descriptors cannot be seen.</returns>
    public static ulong? EnteredBy(HostTid caller, ulong fd, ulong flags)
    {
        string number = ((int)fd).ToString(CultureInfo.InvariantCulture);
        Errno errno = TaskAttributes.Descriptor(caller, number, out string link);
        if (errno != Errno.None)
        {
            // Without such a descriptor the kernel says EBADF.
            return errno == Errno.ENOENT ? 0 : null;
        }

        foreach (NamespaceType type in NamespaceTypes.All)
        {
            if (link.StartsWith(type.KernelName() + ":[", StringComparison.Ordinal))
            {
                return type.Flag();
            }
        }

        // A path is that of a file; a namespace has one where it is mounted.
        return link.StartsWith('/') ? TaskAttributes.NamespaceType(caller, number)
            : link.StartsWith("pidfd:[", StringComparison.Ordinal) || link == "anon_inode:[pidfd]"
            ? (uint)flags & CloneFlags.Namespaces : 0;
    }

    private static string? Look(HostTid task, NamespaceType type)
    {
        Errno errno = TaskAttributes.Namespace(
            task, type switch
            {
                NamespaceType.Pid => "pid_for_children",
                NamespaceType.Time => "time_for_children",
                _ => type.KernelName(),
            },
            out string name);
        return errno is Errno.None or Errno.ENOENT ? name : null;
    }
}
