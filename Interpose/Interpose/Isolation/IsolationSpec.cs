using System;
using System.Collections.Generic;

namespace Interpose.Isolation;

/// <summary>The ids of the guest: inside its user namespace, and on the host.</summary>
/// <param name="Uid">The user id that it sees.</param>
/// <param name="HostUid">The user id that the host sees.</param>
/// <param name="Gid">The group id that it sees.</param>
/// <param name="HostGid">The group id that the host sees.</param>
public readonly record struct GuestIds(int Uid, int HostUid, int Gid, int HostGid);

/// <summary>What is made of a path in the mount namespace of a run.</summary>
public enum MountKind
{
    /// <summary>What the host has there, read-only.</summary>
    ReadOnly,

    /// <summary>What the host has there.</summary>
    ReadWrite,

    /// <summary>An empty directory or file.</summary>
    Hide,

    /// <summary>A directory or file that cannot be opened.</summary>
    Deny,

    /// <summary>What the host has there; what is written goes elsewhere.</summary>
    CopyOnWrite,

    /// <summary>An empty directory in memory.</summary>
    Tmpfs,

    /// <summary>proc(5) of the run's pid namespace.</summary>
    Proc,

    /// <summary>A minimal /dev.</summary>
    Dev,

    /// <summary>The message queues of the run's ipc namespace: mq_overview(7).</summary>
    MessageQueues,
}

/// <summary>One path of a file view.</summary>
/// <param name="Path">Absolute, without symbolic links, dots or slashes at its end.</param>
/// <param name="Kind">What is made of it.</param>
/// <param name="IsDirectory">Whether the host has a directory there.</param>
/// <param name="Size">The most bytes of a tmpfs; null for the kernel's own limit.</param>
/// <param name="Kept">
/// Of a CopyOnWrite, where what is written goes: a path like the first, of a directory that has
/// the directories <c>upper</c> and <c>work</c>; null for memory.
/// </param>
public sealed record FileMount(
    string Path, MountKind Kind, bool IsDirectory, ulong? Size = null, string? Kept = null)
{
    /// <summary>What of the host a ReadOnly shows there; null for what stands there.</summary>
    public string? Source { get; init; }
}

/// <summary>The files of a run.</summary>
/// <param name="Default">
/// What holds where no mount does: ReadOnly, ReadWrite, Hide or Deny.
/// </param>
/// <param name="Mounts">
/// The paths, none twice, each behind those that it is below. A ReadOnly or ReadWrite path, and
/// one below it, exists.
/// </param>
/// <param name="Links">
/// Symbolic links that lead to the mounts, each where a new file system is, with its target.
/// </param>
/// <param name="Directory">The directory that the command starts in.</param>
public sealed record FileTree(
    MountKind Default, IReadOnlyList<FileMount> Mounts,
    IReadOnlyList<(string Path, string Target)> Links, string Directory)
{
    /// <summary>
    /// The same with a directory of the host's in the place of another, read-only; unchanged
    /// where the other is not to be seen as it is, or something stands in it.
    /// </summary>
    public FileTree Showing(string source, string path)
    {
        MountKind around = Default;
        int nearest = 0;
        foreach (FileMount mount in Mounts)
        {
            if ((mount.Path + "/").StartsWith(path + "/", StringComparison.Ordinal))
            {
                return this;
            }

            if (path.StartsWith(mount.Path + "/", StringComparison.Ordinal)
                && mount.Path.Length > nearest)
            {
                (around, nearest) = (mount.Kind, mount.Path.Length);
            }
        }

        bool isSeen =
            around is MountKind.ReadOnly or MountKind.ReadWrite or MountKind.CopyOnWrite;
        FileMount shown = new(path, MountKind.ReadOnly, IsDirectory: true) { Source = source };
        return isSeen ? this with { Mounts = [.. Mounts, shown] } : this;
    }
}

/// <summary>What a run gets for itself: namespaces(7), and what is done in them.</summary>
public sealed record IsolationSpec
{
    /// <summary>CLONE_NEW* flags.</summary>
    public required ulong Namespaces { get; init; }

    /// <summary>Ids, where there is a user namespace or the ids shall change.</summary>
    public GuestIds? User { get; init; }

    /// <summary>The name of its uts namespace; null to keep the host's.</summary>
    public string? Hostname { get; init; }

    /// <summary>Whether it gets an empty session keyring: keyrings(7).</summary>
    public bool Keyring { get; init; }

    /// <summary>Nanoseconds added to the clocks of its time namespace.</summary>
    public (long Monotonic, long Boottime)? TimeOffsets { get; init; }

    /// <summary>The capabilities that it can have, as bits; null to leave them.</summary>
    public ulong? Capabilities { get; init; }

    /// <summary>Its files; null for those of the host.</summary>
    public FileTree? Files { get; init; }

    /// <summary>Whether the files are mounted by calls of before Linux 5.12.</summary>
    public bool WithOlderMounts { get; init; }

    /// <summary>
    /// The version of landlock(7) by which the files are fenced once more; 0 for not at all.
    /// </summary>
    public int Landlock { get; init; }
}
