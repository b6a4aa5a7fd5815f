using System.Collections.Immutable;

namespace Policies;

/// <summary>By what means guests see files: the key <c>filesystem.view</c>.</summary>
public enum FileView
{
    /// <summary>Mounts in a mount namespace of the run.</summary>
    Mounts,
}

/// <summary>What guests can do with the files below a path.</summary>
public enum FileAccess
{
    /// <summary>Read them.</summary>
    Ro,

    /// <summary>Read and write them, as far as the host lets the guest's user.</summary>
    Rw,

    /// <summary>Nothing: an empty directory or file stands there, as if there were none.</summary>
    Hide,

    /// <summary>Nothing: what stands there cannot be opened (EACCES).</summary>
    Deny,

    /// <summary>Read them, and write to a copy that the host does not see.</summary>
    Cow,

    /// <summary>An empty directory in memory that ends with the run.</summary>
    Tmpfs,

    /// <summary>proc(5) of the run's own pid namespace.</summary>
    Proc,

    /// <summary>A minimal /dev with the harmless devices and terminals of its own.</summary>
    Dev,
}

/// <summary>One entry of <c>filesystem.paths</c>.</summary>
/// <param name="Pattern">
/// What it is for, in the normal form of <see cref="FilePattern"/>: absolute, or below
/// <c>.</c> (the caller's directory) or <c>~</c> (its home); may hold globs.
/// </param>
/// <param name="Access">What guests can do there.</param>
/// <param name="Size">The most bytes of a tmpfs; null for no limit of the policy's own.</param>
/// <param name="Origin">Where it was set.</param>
public sealed record PathRule(string Pattern, FileAccess Access, ulong? Size, Origin Origin);

/// <summary>The section <c>filesystem</c>, resolved.</summary>
/// <remarks>
/// The patterns are turned into paths of the host when a run starts. What applies to a file is
/// then the rule with the longest path that the file is at or below, in whole components; of two
/// rules that come to one path, the later in <see cref="Paths"/>; where no rule applies,
/// <see cref="Default"/>. So rules nest: <c>~: hide</c> and <c>~/project: rw</c> leave the
/// project in an otherwise empty home.
/// </remarks>
/// <param name="View">By what means.</param>
/// <param name="Default">What holds where no rule does; null when there is no file view.</param>
/// <param name="Paths">The rules in the order of their layers; no two have one pattern.</param>
public sealed record FilesystemPolicy(
    FileView View, Sourced<FileAccess>? Default, ImmutableArray<PathRule> Paths)
{
    /// <summary>Whether guests see what the caller sees.</summary>
    public bool IsEmpty => Default is null && Paths.IsEmpty;
}
