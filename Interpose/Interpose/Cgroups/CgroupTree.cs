using System;
using System.Collections.Generic;
using System.Globalization;
using Interpose.Files;
using Interpose.Probes;

namespace Interpose.Cgroups;

/// <summary>Where a controller can be had for this process: cgroups(7).</summary>
/// <param name="Directory">The group that this process is in.</param>
/// <param name="Unified">Whether it is of version 2.</param>
public sealed record CgroupHome(string Directory, bool Unified);

/// <summary>
/// The hierarchies that this process stands in: version 2, version 1, or both of them with the
/// controllers shared out between them.
/// </summary>
public sealed class CgroupTree
{
    private readonly Dictionary<string, CgroupHome> _homes = new(StringComparer.Ordinal);

    /// <summary>The controllers that runs have groups for.</summary>
    private static readonly string[] _ofRuns = ["memory", "cpu", "io"];

    private readonly List<string> _roots = [];

    private CgroupTree()
    {
    }

    /// <summary>The group of version 2; null where none is mounted or within reach.</summary>
    public string? Unified { get; private set; }

    /// <summary>Where the hierarchies are mounted that this process can make groups in.</summary>
    public IReadOnlyList<string> Roots => _roots;

    /// <summary>
    /// The groups below which those of runs are made: our own, and of version 2 the one above.
    /// </summary>
    public IReadOnlyList<string> Homes
    {
        get
        {
            var homes = new List<string>();
            foreach (string controller in _ofRuns)
            {
                if (Of(controller) is { } home)
                {
                    Add(homes, home.Directory);
                }
            }

            if (Unified is { } own && homes.Contains(own) && !_roots.Contains(own))
            {
                Add(homes, own[..own.LastIndexOf('/')]);
            }

            return homes;
        }
    }

    /// <summary>Where a controller is to be had; null for nowhere.</summary>
    /// <param name="controller">
    /// As version 2 calls it: memory, cpu, io, pids. That is blkio in version 1.
    /// </param>
    public CgroupHome? Of(string controller) =>
        _homes.TryGetValue(controller, out CgroupHome? home) ? home : null;

    /// <summary>Where the hierarchy is mounted that a directory is in.</summary>
    public string RootOf(string directory)
    {
        string found = string.Empty;
        foreach (string root in _roots)
        {
            bool isIn = directory.StartsWith(root + "/", StringComparison.Ordinal);
            found = isIn && root.Length > found.Length ? root : found;
        }

        return found;
    }

    /// <summary>Reads /proc/self/cgroup and /proc/self/mountinfo.</summary>
    public static CgroupTree Read() => ReadOf("self");

    /// <summary>The same for another process.</summary>
    public static CgroupTree Of(int pid) =>
        ReadOf(pid.ToString(CultureInfo.InvariantCulture));

    /// <summary>What the group of a run uses now, where this process is in it.</summary>
    /// <param name="run">Which.</param>
    /// <param name="memory">Bytes; null where they are not counted.</param>
    /// <param name="nanoseconds">Processor time; null where it is not counted.</param>
    public void Usage(RunName run, out long? memory, out long? nanoseconds)
    {
        string name = "/" + run;
        (memory, nanoseconds) = (null, null);
        if (Of("memory") is { } home && home.Directory.EndsWith(name, StringComparison.Ordinal))
        {
            memory = TextFile.Number(
                home.Directory + (home.Unified ? "/memory.current" : "/memory.usage_in_bytes"));
        }

        if (Unified is { } unified && unified.EndsWith(name, StringComparison.Ordinal))
        {
            nanoseconds = CgroupFiles.Number(unified + "/cpu.stat", "usage_usec") * 1000;
        }
    }

    private static CgroupTree ReadOf(string pid) => From(
        TextFile.Lines($"/proc/{pid}/cgroup"), MountPoint.All(),
        directory => TextFile.Lines(directory + "/cgroup.controllers"));

    /// <summary>Finds the homes in what was read.</summary>
    /// <param name="groups">Lines of proc_pid_cgroup(5): <c>ID:CONTROLLERS:PATH</c>.</param>
    /// <param name="mounts">The mounts.</param>
    /// <param name="controllers">What a group of version 2 has to give.</param>
    internal static CgroupTree From(
        IEnumerable<string> groups, IReadOnlyList<MountPoint> mounts,
        Func<string, IReadOnlyList<string>> controllers)
    {
        var tree = new CgroupTree();
        foreach (string line in groups)
        {
            string[] parts = line.Split(':', 3);
            if (parts.Length < 3)
            {
                continue;
            }

            bool unified = parts[0] == "0" && parts[1].Length == 0;
            foreach (MountPoint mount in mounts)
            {
                bool same = unified ? mount.Type == "cgroup2"
                    : mount.Type == "cgroup" && Holds(mount.Options, parts[1]);
                if (same && Below(mount, parts[2]) is { } directory)
                {
                    Add(tree._roots, mount.Target);
                    tree.Add(directory, unified, unified ? controllers(directory)
                        : [parts[1].Replace(',', ' ')]);
                    break;
                }
            }
        }

        return tree;
    }

    private static void Add(List<string> directories, string directory)
    {
        if (!directories.Contains(directory))
        {
            directories.Add(directory);
        }
    }

    private void Add(string directory, bool unified, IReadOnlyList<string> lines)
    {
        var home = new CgroupHome(directory, unified);
        Unified = unified ? directory : Unified;
        foreach (string name in string.Join(' ', lines).Split(
            ' ', StringSplitOptions.RemoveEmptyEntries))
        {
            _homes[!unified && name == "blkio" ? "io" : name] = home;
        }
    }

    /// <summary>Whether a mount of version 1 has all of some controllers.</summary>
    private static bool Holds(string options, string controllers)
    {
        string[] have = options.Split(',');
        foreach (string controller in controllers.Split(','))
        {
            if (Array.IndexOf(have, controller) < 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// The directory of a group under a mount; null where the mount begins elsewhere. A group
    /// outside of the cgroup namespace begins with <c>/..</c>.
    /// </summary>
    private static string? Below(MountPoint mount, string group)
    {
        string root = mount.Root == "/" ? "" : mount.Root;
        bool within = group.StartsWith(root, StringComparison.Ordinal)
            && (group.Length == root.Length || group[root.Length] == '/')
            && !group.StartsWith("/..", StringComparison.Ordinal);
        return within ? (mount.Target + group[root.Length..]).TrimEnd('/') : null;
    }
}
