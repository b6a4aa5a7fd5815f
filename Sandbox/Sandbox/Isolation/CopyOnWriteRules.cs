using System;
using System.Collections.Generic;
using System.IO;
using Interpose.Abi;
using Interpose.Files;
using Interpose.Isolation;
using Interpose.Launch;
using Policies;
using FileAccess = Policies.FileAccess;

namespace Sandbox.Isolation;

/// <summary>
/// What <c>cow</c> takes beyond one mount for one path, for an overlay does not reach into what
/// is mounted below it.
/// </summary>
/// <remarks>
/// A path of its own gets one overlay for itself and one for each file system below. Without
/// privileges that cannot be: in a mount namespace that a less privileged user namespace owns,
/// mounts cannot be parted from what is mounted on them (<c>has_locked_children</c>).
/// The whole tree is never one overlay. The directories on the way to where something is mounted,
/// / first of all, are new and read-only, and each directory in them is a copy-on-write of its
/// own; so it is the same with and without privileges.
/// </remarks>
internal sealed class CopyOnWriteRules(
    SortedDictionary<string, FileMount> mounts, SortedDictionary<string, string> links)
{
    private readonly Lazy<MountTable> _table = new(MountTable.Read);

    /// <summary>Adds what is missing.</summary>
    /// <param name="byDefault">What holds where no rule does; afterwards not Cow.</param>
    public void Complete(ref FileAccess byDefault)
    {
        foreach (FileMount mount in new List<FileMount>(mounts.Values))
        {
            if (mount.Kind == MountKind.CopyOnWrite)
            {
                AddBelow(mount);
            }
        }

        if (byDefault == FileAccess.Cow)
        {
            Part("/");
            byDefault = FileAccess.Hide;
        }
    }

    private void AddBelow(FileMount mount)
    {
        foreach (string place in _table.Value.Below(mount.Path))
        {
            if (!Privileges.CanIsolate())
            {
                throw new SetupException(
                    "cannot make a copy-on-write of", mount.Path, Errno.EINVAL,
                    $"{OneLine.Of(place)} is mounted below it, which only root can part from it; "
                        + "name the directories beside that one");
            }

            if (Around(place) == mount.Path && !mounts.ContainsKey(place))
            {
                AddOne(place);
            }
        }
    }

    /// <summary>Each name of a directory for itself.</summary>
    private void Part(string directory)
    {
        foreach (string path in Entries(directory))
        {
            if (HostProcess.LinkAt(path) is { } target)
            {
                links.TryAdd(path, target);
            }
            else if (mounts.ContainsKey(path) || !IsPlain(path))
            {
                continue;
            }
            else if (!_table.Value.IsSpecial(path) && HasBelow(path))
            {
                Part(path);
            }
            else
            {
                AddOne(path);
            }

            if (mounts.Count > FileRules.Most)
            {
                throw new SetupException(
                    "cannot make a copy-on-write of", directory, Errno.E2BIG,
                    $"file systems are mounted below it, and it has more than {FileRules.Most} "
                        + "names; give it a rule of its own in filesystem.paths");
            }
        }
    }

    private bool HasBelow(string path)
    {
        foreach (string _ in _table.Value.Below(path))
        {
            return true;
        }

        return false;
    }

    private void AddOne(string path)
    {
        bool isDirectory = Directory.Exists(path);
        bool copies = isDirectory && !_table.Value.IsSpecial(path) && CanBeRead(path);
        mounts[path] = new(
            path, copies ? MountKind.CopyOnWrite : MountKind.ReadOnly, isDirectory);
    }

    /// <summary>Of one that the caller cannot read there is nothing to copy.</summary>
    private static bool CanBeRead(string path)
    {
        try
        {
            using var folder = Folder.Open(path);
            return true;
        }
        catch (FileFailure)
        {
            return false;
        }
    }

    /// <summary>A directory that the caller cannot list stays empty.</summary>
    private static string[] Entries(string directory)
    {
        try
        {
            string[] entries = Directory.GetFileSystemEntries(directory);
            Array.Sort(entries, StringComparer.Ordinal);
            return entries;
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            return [];
        }
    }

    /// <summary>A directory or a file of data, whose name is text.</summary>
    private static bool IsPlain(string path) =>
        !path.Contains('\uFFFD', StringComparison.Ordinal)
        && (Directory.Exists(path) || File.Exists(path));

    private string Around(string path)
    {
        for (int at = path.LastIndexOf('/'); at > 0; at = path.LastIndexOf('/', at - 1))
        {
            if (mounts.ContainsKey(path[..at]))
            {
                return path[..at];
            }
        }

        return "/";
    }
}
