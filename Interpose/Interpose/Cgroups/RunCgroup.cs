using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Cgroups;

/// <summary>
/// The group of one run, a directory in each hierarchy that has a part in it. It is made, limited
/// and opened before the first task is; placing that one is a write for each, and all later ones
/// are born into it.
/// </summary>
public sealed partial class RunCgroup : IDisposable
{
    private const int Period = 100_000;
    private readonly List<string> _directories = [];
    private readonly List<int> _entrances = [];
    private readonly Dictionary<string, CgroupHome> _groups = new(StringComparer.Ordinal);
    private readonly string _name;

    private RunCgroup(string name) => _name = name;

    /// <summary>The directories, for messages and tests.</summary>
    public IReadOnlyList<string> Directories => _directories;

    /// <summary>Tasks that the OOM killer ended so far.</summary>
    public long OomKills => _groups.TryGetValue("memory", out CgroupHome? memory)
        ? CgroupFiles.Number(
            memory.Directory + (memory.Unified ? "/memory.events" : "/memory.oom_control"),
            "oom_kill") ?? 0
        : 0;

    /// <summary>Makes a group; whatever was made of it is gone when that fails.</summary>
    /// <param name="tree">The hierarchies.</param>
    /// <param name="spec">Its limits.</param>
    /// <param name="name">Its name, one component.</param>
    /// <param name="failure">Null, or what failed.</param>
    /// <returns>The group; null where it failed.</returns>
    public static RunCgroup? Create(
        CgroupTree tree, CgroupSpec spec, string name, out CgroupFailure? failure)
    {
        var group = new RunCgroup(name);
        failure = group.Make(tree, spec) ?? group.Limit(spec) ?? group.Open();
        if (failure is not null)
        {
            group.Remove();
            group.Dispose();
            return null;
        }

        return group;
    }

    /// <summary>Moves a process with all its threads into the group.</summary>
    public Errno Place(HostTid process)
    {
        byte[] text = Encoding.ASCII.GetBytes(process.ToString());
        foreach (int fd in _entrances)
        {
            Errno errno = Posix.Write(fd, text, out _);
            if (errno != Errno.None)
            {
                return errno;
            }
        }

        return Errno.None;
    }

    /// <summary>What the group used so far.</summary>
    public CgroupUse Use()
    {
        long? memory = null, cpu = null, throttled = null, read = null, written = null;
        if (_groups.TryGetValue("memory", out CgroupHome? home))
        {
            memory = CgroupFiles.Number(home.Directory
                + (home.Unified ? "/memory.peak" : "/memory.max_usage_in_bytes"));
        }

        if (_groups.TryGetValue("cpu", out home))
        {
            string stat = home.Directory + "/cpu.stat";
            cpu = home.Unified ? CgroupFiles.Number(stat, "usage_usec") * 1000 : null;
            throttled = home.Unified ? CgroupFiles.Number(stat, "throttled_usec") * 1000
                : CgroupFiles.Number(stat, "throttled_time");
        }

        if (_groups.TryGetValue("io", out home))
        {
            (read, written) = IoBytes(CgroupFiles.Read(home.Directory + (home.Unified
                ? "/io.stat" : "/blkio.throttle.io_service_bytes_recursive")) ?? "");
        }

        return new(
            memory, cpu, throttled, read, written,
            _groups.ContainsKey("memory") ? OomKills : null);
    }

    /// <summary>
    /// Kills whatever is in the group: at once where the kernel can (cgroup.kill, Linux 5.14),
    /// else one after the other, as often as new ones are found, within bounds.
    /// </summary>
    public void Kill()
    {
        const int rounds = 100;
        foreach (string directory in _directories)
        {
            if (CgroupFiles.Write(directory + "/cgroup.kill", "1") == Errno.None)
            {
                continue;
            }

            for (int i = 0; i < rounds && KillMembers(directory); i++)
            {
                Thread.Sleep(1);
            }
        }
    }

    /// <summary>
    /// Takes the group away. Tasks that were killed are in it until they are gone, so it is tried
    /// for at most a second.
    /// </summary>
    /// <returns>None, or why a directory is still there.</returns>
    public Errno Remove()
    {
        const int tries = 200;
        const int pause = 5;
        Errno last = Errno.None;
        for (int i = _directories.Count - 1; i >= 0; i--)
        {
            Errno errno = CgroupFiles.Remove(_directories[i]);
            for (int t = 0; t < tries && errno == Errno.EBUSY; t++)
            {
                Thread.Sleep(pause);
                errno = CgroupFiles.Remove(_directories[i]);
            }

            last = errno is Errno.None or Errno.ENOENT ? last : errno;
        }

        if (last == Errno.None)
        {
            _directories.Clear();
            MoveBack();
        }

        return last;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (int fd in _entrances)
        {
            Posix.Close(fd);
        }

        _entrances.Clear();
    }

    private static bool KillMembers(string directory)
    {
        string[] members = (CgroupFiles.Read(directory + "/cgroup.procs") ?? "").Split(
            '\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (string member in members)
        {
            if (int.TryParse(member, out int pid) && pid > 0)
            {
                Posix.Kill(pid, SIGKILL);
            }
        }

        return members.Length > 0;
    }

    /// <summary>
    /// Sums of a table of devices: <c>8:0 rbytes=1 wbytes=2</c>, or in version 1
    /// <c>8:0 Read 1</c>.
    /// </summary>
    private static (long Read, long Written) IoBytes(string table)
    {
        long read = 0;
        long written = 0;
        foreach (string line in table.Split('\n'))
        {
            string[] words = line.Split(' ', '=');
            for (int i = 0; i + 1 < words.Length; i++)
            {
                long bytes = long.TryParse(words[i + 1], out long n) ? n : 0;
                read += words[i] is "rbytes" or "Read" ? bytes : 0;
                written += words[i] is "wbytes" or "Write" ? bytes : 0;
            }
        }

        return (read, written);
    }
}
