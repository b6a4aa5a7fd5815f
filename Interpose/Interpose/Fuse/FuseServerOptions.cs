using System;
using System.Collections.Generic;

namespace Interpose.Fuse;

/// <summary>How files are opened, which is what costs.</summary>
public enum FuseMode
{
    /// <summary>
    /// Nothing changes through the mount, whatever the rules say. The kernel opens files without
    /// asking (no-open) and keeps what it read.
    /// </summary>
    ReadOnly,

    /// <summary>
    /// Each open asks the server, which sees there whether cached data is still that of the file.
    /// Reads go through the page cache, writes through the server.
    /// </summary>
    Ordinary,

    /// <summary>
    /// As <see cref="Ordinary"/>, but the kernel reads and writes the real file itself, with the
    /// server's credentials. Takes Linux 6.9 and CAP_SYS_ADMIN in the initial user namespace; where
    /// the kernel refuses it, files are opened as in <see cref="Ordinary"/>.
    /// </summary>
    Passthrough,
}

/// <summary>A range of ids that the user namespace of the mount calls by other numbers.</summary>
/// <param name="Inside">The first, as the mount's user namespace has it.</param>
/// <param name="Outside">The same one as the server has it.</param>
/// <param name="Count">How many follow one another.</param>
public readonly record struct FuseIdRange(uint Inside, uint Outside, uint Count);

/// <summary>What a <see cref="FuseServer"/> serves, and how.</summary>
public sealed class FuseServerOptions
{
    /// <summary>
    /// The directory that is served: a descriptor, O_PATH is enough. It must not be resolved
    /// through a mount that this server serves. It stays the caller's.
    /// </summary>
    public required int Root { get; init; }

    /// <summary>The rules at that directory.</summary>
    public required ViewRule Rule { get; init; }

    /// <summary>How files are opened.</summary>
    public FuseMode Mode { get; init; } = FuseMode.Ordinary;

    /// <summary>
    /// The directory that takes the copies of <see cref="ViewAccess.CopyOnWrite"/>, as overlayfs
    /// keeps its upper directory with <c>userxattr</c>; -1 for none. It stays the caller's.
    /// </summary>
    public int Upper { get; init; } = -1;

    /// <summary>
    /// An empty directory on the file system of <see cref="Upper"/> where copies are made before
    /// they get their names; -1 without an upper directory. It stays the caller's.
    /// </summary>
    public int Work { get; init; } = -1;

    /// <summary>
    /// Threads that serve, each one request at a time; 0 for as many as processors, from 2 to 8.
    /// </summary>
    public int Workers { get; init; }

    /// <summary>
    /// More descriptors of /dev/fuse, opened where the first was, one for each worker but the
    /// first: they become queues of the same mount, and the server closes them. Where they are
    /// lacking the workers share a queue.
    /// </summary>
    public IReadOnlyList<int> Queues { get; init; } = [];

    /// <summary>
    /// For how long the kernel may take names and attributes as they were; data is dropped when
    /// they show another time or size. Null: 1 s, or in <see cref="FuseMode.ReadOnly"/> 60 s.
    /// Changes that go through the mount are seen at once, but by another name of the file that
    /// allows other things.
    /// </summary>
    public TimeSpan? Lifetime { get; init; }

    /// <summary>The same for names that are not there. Null: as <see cref="Lifetime"/>.</summary>
    public TimeSpan? AbsentLifetime { get; init; }

    /// <summary>
    /// Ids of users where the mount's user namespace is not the server's; empty: they are the same.
    /// An id outside of all ranges is shown as 65534, the kernel's overflow id.
    /// </summary>
    public IReadOnlyList<FuseIdRange> Users { get; init; } = [];

    /// <summary>The same for groups.</summary>
    public IReadOnlyList<FuseIdRange> Groups { get; init; } = [];

    /// <summary>
    /// How many descriptors of the served tree may be held at once, besides those of open files;
    /// 0: half of RLIMIT_NOFILE, at most 8192.
    /// </summary>
    public int Descriptors { get; init; }
}
