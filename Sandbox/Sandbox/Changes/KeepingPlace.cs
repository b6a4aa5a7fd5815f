using System;
using System.Collections.Generic;
using System.IO;
using Interpose.Abi;
using Interpose.Files;
using Interpose.Isolation;
using Interpose.Launch;
using Policies;

namespace Sandbox.Changes;

/// <summary>Where kept changes may lie: never where guests could write to them.</summary>
internal static class KeepingPlace
{
    /// <summary>What the names of such that runs make for themselves begin with.</summary>
    public const string Prefix = "sandbox-";

    private const string Elsewhere =
        "guests could write to it there; give a directory outside all paths that are rw or cow";

    /// <summary>Whether guests can write at a path, by the rules or under another name.</summary>
    /// <param name="files">The files of the run.</param>
    /// <param name="path">The path, without symbolic links; it exists.</param>
    public static bool IsReached(FileTree files, string path)
    {
        var above = new HashSet<(ulong, ulong)>();
        for (string? at = path; at is not null; at = Path.GetDirectoryName(at))
        {
            above.Add(IdentityOf(at));
        }

        foreach (FileMount mount in files.Mounts)
        {
            if (IsWritten(mount.Kind) && above.Contains(IdentityOf(mount.Path))
                && !IsCovered(files, mount.Path, path))
            {
                return true;
            }
        }

        return IsWritten(KindAt(files, path)?.Kind ?? files.Default);
    }

    /// <summary>The files of the run with a place that guests do not see.</summary>
    /// <exception cref="SetupException">They can write there.</exception>
    public static FileTree Hide(FileTree files, string path)
    {
        if (IsReached(files, path))
        {
            throw new SetupException("cannot use", OneLine.Of(path), Errno.EPERM, Elsewhere);
        }

        MountKind kind = KindAt(files, path)?.Kind ?? files.Default;
        if (kind != MountKind.ReadOnly)
        {
            return files;
        }

        var mounts = new List<FileMount>(files.Mounts)
        {
            new(path, MountKind.Hide, IsDirectory: true),
        };
        mounts.Sort((a, b) => string.CompareOrdinal(a.Path, b.Path));
        return files with { Mounts = mounts };
    }

    /// <summary>The directories in which such are made, those that are there.</summary>
    public static IEnumerable<string> Places()
    {
        string? asked = Environment.GetEnvironmentVariable("TMPDIR");
        foreach (string? place in (string?[])[asked, "/var/tmp", "/tmp"])
        {
            if (place is ['/', ..]
                && HostProcess.Resolve(place, out string parent, out bool isDirectory)
                    == Errno.None
                && isDirectory)
            {
                yield return parent;
            }
        }
    }

    /// <summary>Makes an empty directory that guests cannot reach, for one run.</summary>
    public static string Make(FileTree files)
    {
        Errno errno = Errno.ENOENT;
        foreach (string parent in Places())
        {
            if (IsReached(files, parent))
            {
                continue;
            }

            string path = $"{parent.TrimEnd('/')}/{Prefix}{Guid.NewGuid():N}";
            errno = HostProcess.MakeDirectory(path);
            if (errno == Errno.None)
            {
                return path;
            }
        }

        throw new SetupException(
            "cannot make a directory in", "$TMPDIR, /var/tmp or /tmp", errno,
            "none can be written here and not by guests; name one by --keep");
    }

    private static bool IsWritten(MountKind kind) =>
        kind is MountKind.ReadWrite or MountKind.CopyOnWrite;

    /// <summary>Whether a rule of another kind stands between the two.</summary>
    private static bool IsCovered(FileTree files, string from, string path) =>
        KindAt(files, path) is { } nearest && !IsWritten(nearest.Kind)
        && nearest.Path.Length > from.Length
        && nearest.Path.StartsWith(from, StringComparison.Ordinal);

    private static FileMount? KindAt(FileTree files, string path)
    {
        FileMount? nearest = null;
        foreach (FileMount mount in files.Mounts)
        {
            bool isAbove = mount.Path == path
                || (path.StartsWith(mount.Path, StringComparison.Ordinal)
                    && path[mount.Path.Length] == '/');
            nearest = isAbove ? mount : nearest;
        }

        return nearest;
    }

    private static (ulong Device, ulong Inode) IdentityOf(string path)
    {
        try
        {
            using Folder folder = Folder.Open(path);
            FileStatus status = folder.Look();
            return (status.Device, status.Inode);
        }
        catch (FileFailure)
        {
            // No directory that can be opened, so none that a guest of this user gets on from.
            return default;
        }
    }
}
