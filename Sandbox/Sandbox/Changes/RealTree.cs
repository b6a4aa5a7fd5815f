using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Files;

namespace Sandbox.Changes;

/// <summary>
/// The real tree as the changes of a run meet it: whether somebody else changed it since.
/// </summary>
internal static class RealTree
{
    private const int NamesMost = 1_000_000;

    /// <summary>
    /// What stands against a change; null when nothing does. A file's ctime cannot be set, so
    /// one from before the run is as the run saw it.
    /// </summary>
    /// <param name="real">The tree's own directory.</param>
    /// <param name="change">The change.</param>
    /// <param name="since">When the run began.</param>
    /// <param name="sinceFound">
    /// The same for directories in which an earlier commit of these changes may have made files.
    /// </param>
    public static string? Conflict(Folder real, Change change, long since, long sinceFound)
    {
        if (change.Refused is { } never)
        {
            return never;
        }

        if (change.Real is not { } status)
        {
            return IsGone(real, change, sinceFound) ? "it has gone since the run began" : null;
        }

        return status.Kind != FileKind.Directory
            ? status.Changed > since ? "it has changed since the run began" : null
            : change.Kind is ChangeKind.Deleted or ChangeKind.Type
                && ChangedBelow(real, change.Path, since) is { } path
                ? $"{PathText.Show(path)} has changed since the run began" : null;
    }

    /// <summary>Whether a file is still the one that was looked at before.</summary>
    public static bool IsAsBefore(in FileStatus? now, in FileStatus? before) =>
        now is { } a && before is { } b ? IsSameFile(a, b) && a.Changed == b.Changed
            : now is null && before is null;

    /// <summary>The same, of one that was renamed since, which changes its ctime.</summary>
    public static bool IsSameFile(in FileStatus a, in FileStatus b) =>
        a.Kind == b.Kind && a.Inode == b.Inode && a.Device == b.Device
        && (a.Kind == FileKind.Directory || (a.Size == b.Size && a.Modified == b.Modified));

    /// <summary>
    /// Whether the real tree had what it has no more. A directory that was copied stays where it
    /// was; a file may have been renamed by the run, but not where nothing was removed.
    /// </summary>
    private static bool IsGone(Folder real, Change change, long since)
    {
        if (!change.WasCopied || change.Now is { Kind: FileKind.Directory })
        {
            return change.WasCopied;
        }

        try
        {
            using Folder parent = real.Enter(PathText.Split(change.Path).Directory);
            return parent.Look().Changed > since;
        }
        catch (FileFailure e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
        {
            return false;
        }
    }

    /// <summary>The first below a directory that changed later; null when none did.</summary>
    private static byte[]? ChangedBelow(Folder real, byte[] directory, long since)
    {
        var waiting = new Stack<byte[]>();
        waiting.Push(directory);
        while (waiting.TryPop(out byte[]? path))
        {
            using Folder folder = real.Enter(path);
            if (folder.Look().Changed > since)
            {
                return path;
            }

            foreach (byte[] name in folder.Names(NamesMost))
            {
                byte[] at = PathText.Join(path, name);
                FileStatus status = folder.TryStat(name)
                    ?? throw new FileFailure("statx of", at, Errno.ENOENT);
                if (status.Kind == FileKind.Directory)
                {
                    waiting.Push(at);
                }
                else if (status.Changed > since)
                {
                    return at;
                }
            }
        }

        return null;
    }
}
