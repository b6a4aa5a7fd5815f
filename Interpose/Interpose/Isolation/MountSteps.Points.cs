using System;
using System.Collections.Generic;
using Interpose.Launch;

namespace Interpose.Isolation;

/// <content>What new file systems hold: the places where others go.</content>
internal sealed partial class MountSteps
{
    /// <summary>The places in a new file system where others go.</summary>
    private void MakePoints(Slot cover, string path, params string[] made)
    {
        var there = new HashSet<string>(made);
        foreach (FileMount mount in _tree.Mounts)
        {
            if (!IsOn(mount.Path, path))
            {
                continue;
            }

            string name = MakeWay(cover, path, mount.Path, there);
            if (there.Add(name) && mount.IsDirectory)
            {
                _calls.MakeDirectory(cover, name, 0x1ed);
            }
            else if (!mount.IsDirectory)
            {
                _calls.MakeFile(cover, name);
            }
        }

        foreach ((string link, string target) in _tree.Links)
        {
            if (IsOn(link, path))
            {
                _calls.MakeLink(cover, MakeWay(cover, path, link, there), target);
            }
        }
    }

    /// <summary>Makes the directories above a path; gives its name from the cover.</summary>
    private string MakeWay(Slot cover, string path, string to, HashSet<string> there)
    {
        string name = to[(path == "/" ? 1 : path.Length + 1)..];
        for (int at = name.IndexOf('/'); at > 0; at = name.IndexOf('/', at + 1))
        {
            if (there.Add(name[..at]))
            {
                _calls.MakeDirectory(cover, name[..at], 0x1ed);
            }
        }

        return name;
    }

    /// <summary>Whether a path stands on the mount of another, and on none between.</summary>
    private bool IsOn(string path, string cover) =>
        IsBelow(path, cover) && (Around(path)?.Path ?? "/") == cover;

    /// <summary>The nearest mount that a path is below.</summary>
    private FileMount? Around(string path)
    {
        for (int at = path.LastIndexOf('/'); at > 0; at = path.LastIndexOf('/', at - 1))
        {
            if (_byPath.TryGetValue(path[..at], out FileMount? mount))
            {
                return mount;
            }
        }

        return null;
    }

    private static bool IsBelow(string path, string above) =>
        above == "/" ? path != "/"
        : path.Length > above.Length && path[above.Length] == '/'
            && path.StartsWith(above, StringComparison.Ordinal);
}
