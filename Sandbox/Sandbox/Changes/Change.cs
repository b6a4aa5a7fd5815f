using Interpose.Files;

namespace Sandbox.Changes;

/// <summary>How a path of the real tree differs from what a run made of it.</summary>
internal enum ChangeKind
{
    /// <summary>It is new.</summary>
    Created,

    /// <summary>Its content is another.</summary>
    Modified,

    /// <summary>Its content is the same; mode, owner, group or time are not.</summary>
    Metadata,

    /// <summary>It is gone, with all that is in it.</summary>
    Deleted,

    /// <summary>
    /// A directory that was removed and made again; what it no longer has is listed as deleted.
    /// </summary>
    Opaque,

    /// <summary>It is of another type.</summary>
    Type,
}

/// <summary>One difference.</summary>
/// <param name="Root">Which copy-on-write of the run.</param>
/// <param name="Path">Its path from there, as bytes; empty for the directory itself.</param>
/// <param name="Kind">How it differs.</param>
/// <param name="Now">What the run made of it; null when it is gone.</param>
/// <param name="Real">What the real tree has there; null when there is nothing.</param>
/// <param name="WasCopied">
/// Whether overlayfs noted that it was copied from a file of the real tree, there or elsewhere.
/// </param>
internal sealed record Change(
    int Root, byte[] Path, ChangeKind Kind, FileStatus? Now, FileStatus? Real,
    bool WasCopied = false)
{
    /// <summary>The kind in reports.</summary>
    public string Name => Kind switch
    {
        ChangeKind.Created => "created",
        ChangeKind.Modified => "modified",
        ChangeKind.Metadata => "metadata",
        ChangeKind.Deleted => "deleted",
        ChangeKind.Opaque => "opaque",
        _ => "type",
    };

    /// <summary>
    /// Why it is never applied; null when it can be. Nothing of a run becomes a device, and what
    /// a named pipe or a socket meant ended with the run.
    /// </summary>
    public string? Refused => Now?.Kind
        is FileKind.Regular or FileKind.Directory or FileKind.Link or null ? null
        : $"it is a {TypeName(Now.Value.Kind)}, which is never applied";

    /// <summary>A type in reports.</summary>
    public static string TypeName(FileKind kind) => kind switch
    {
        FileKind.Regular => "file",
        FileKind.Directory => "directory",
        FileKind.Link => "symlink",
        FileKind.Fifo => "fifo",
        FileKind.Socket => "socket",
        FileKind.CharacterDevice => "character device",
        _ => "block device",
    };
}
