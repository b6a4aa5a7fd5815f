using System;
using System.Collections.Generic;
using Interpose.Probes;

namespace Sandbox.Isolation;

/// <summary>What is mounted where, by path.</summary>
internal sealed class MountTable
{
    /// <summary>File systems that overlayfs cannot lie over, or that hold no files.</summary>
    private static readonly HashSet<string> Special = new(StringComparer.Ordinal)
    {
        "proc", "sysfs", "cgroup", "cgroup2", "devpts", "devtmpfs", "mqueue", "debugfs",
        "tracefs", "securityfs", "configfs", "fusectl", "binfmt_misc", "pstore", "efivarfs",
        "bpf", "hugetlbfs", "nsfs", "autofs", "rpc_pipefs", "selinuxfs", "ramfs", "vfat",
        "msdos", "exfat", "ntfs3",
    };

    private readonly SortedDictionary<string, string> _types = new(StringComparer.Ordinal);

    private MountTable(IEnumerable<MountPoint> mounts)
    {
        foreach (MountPoint mount in mounts)
        {
            _types[mount.Target] = mount.Type;
        }
    }

    /// <summary>The mounts that this process sees.</summary>
    public static MountTable Read() => new(MountPoint.Visible(MountPoint.All()));

    /// <summary>Whether something is mounted at a path that only can be seen as it is.</summary>
    public bool IsSpecial(string path) =>
        _types.TryGetValue(path, out string? type) && Special.Contains(type);

    /// <summary>The places below a path, not at it, where something is mounted.</summary>
    public IEnumerable<string> Below(string path)
    {
        string start = path == "/" ? path : path + "/";
        foreach (string place in _types.Keys)
        {
            if (place.Length > start.Length && place.StartsWith(start, StringComparison.Ordinal))
            {
                yield return place;
            }
        }
    }
}
