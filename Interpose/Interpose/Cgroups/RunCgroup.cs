using System;
using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Files;
using Interpose.LibC;

namespace Interpose.Cgroups;

/// <summary>
/// The group of one run, a directory in each hierarchy that has a part in it. It is made, limited
/// and opened before the first task is. That one is born into it, or moves itself by a write for
/// each before it does anything else; all later ones are born into it.
/// </summary>
public sealed partial class RunCgroup : IDisposable
{
    private const int Period = 100_000;
    private readonly List<string> _directories = [];
    private readonly List<CgroupEntrance> _entrances = [];
    private readonly Dictionary<string, CgroupHome> _groups = new(StringComparer.Ordinal);
    private readonly string _name;

    private RunCgroup(string name) => _name = name;

    /// <summary>The directories, for messages and tests.</summary>
    public IReadOnlyList<string> Directories => _directories;

    /// <summary>The ways into it, open until this is disposed of.</summary>
    public IReadOnlyList<CgroupEntrance> Entrances => _entrances;

    /// <summary>Tasks that the OOM killer ended so far.</summary>
    public long OomKills => _groups.TryGetValue("memory", out CgroupHome? memory)
        ? CgroupFiles.Number(
            memory.Directory + (memory.Unified ? "/memory.events" : "/memory.oom_control"),
            "oom_kill") ?? 0
        : 0;

    /// <summary>
    /// Makes a group; whatever was made of it is gone when that fails. One that was taken for a
    /// dead one before it was locked, which only a process with other pids can do, is made again.
    /// </summary>
    /// <param name="tree">The hierarchies.</param>
    /// <param name="spec">Its limits.</param>
    /// <param name="name">Its name, one component.</param>
    /// <param name="failure">Null, or what failed.</param>
    /// <returns>The group; null where it failed.</returns>
    public static RunCgroup? Create(
        CgroupTree tree, CgroupSpec spec, string name, out CgroupFailure? failure)
    {
        const int most = 4;
        for (int attempt = 1; ; attempt++)
        {
            var group = new RunCgroup(name);
            failure = group.Make(tree, spec) ?? group.Open() ?? group.Limit(AtStart(spec));
            if (failure is null)
            {
                return group;
            }

            bool taken = group._directories.Count > 0
                && failure.Errno is Errno.ENOENT or Errno.ENODEV or Errno.EAGAIN;
            group.Remove();
            group.Dispose();
            if (!taken || attempt == most)
            {
                return null;
            }
        }
    }

    /// <summary>
    /// Lowers the limit on memory to what was asked for, once the first task is a program of its
    /// own: until then it is in this process's memory, and where the limit is met the kernel kills
    /// whoever has the victim's memory (<c>__oom_kill_process</c>).
    /// </summary>
    /// <param name="spec">The limits that the group was made with.</param>
    /// <returns>Null, or what failed: in version 1 one below what is in use.</returns>
    public CgroupFailure? Lower(CgroupSpec spec) => AtStart(spec) == spec ? null
        : LimitMemory(_groups["memory"], spec.Memory!.Value, spec.Swap ?? 0, false);

    /// <summary>What the group used so far.</summary>
    public CgroupUse Use()
    {
        long? memory = null, cpu = null, throttled = null, read = null, written = null;
        if (_groups.TryGetValue("memory", out CgroupHome? home))
        {
            memory = TextFile.Number(home.Directory
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
            (read, written) = IoBytes(TextFile.Read(home.Directory + (home.Unified
                ? "/io.stat" : "/blkio.throttle.io_service_bytes_recursive")) ?? "");
        }

        return new(
            memory, cpu, throttled, read, written,
            _groups.ContainsKey("memory") ? OomKills : null);
    }

    /// <summary>
    /// Kills all that is in the group, and what is just being made there: cgroup.kill of version 2
    /// (Linux 5.14). Elsewhere nothing is done.
    /// </summary>
    public void Kill()
    {
        foreach (CgroupHome home in _groups.Values)
        {
            if (home.Unified)
            {
                CgroupFiles.Write(home.Directory + "/cgroup.kill", "1");
                return;
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
        Errno last = Errno.None;
        for (int i = _directories.Count - 1; i >= 0; i--)
        {
            Errno errno = CgroupFiles.Remove(_directories[i]);
            errno = errno is Errno.None or Errno.ENOENT ? Errno.None
                : CgroupFiles.RemoveAll(_directories[i], kills: false, tries);
            last = errno == Errno.None ? last : errno;
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
        foreach ((int fd, _, int? directory) in _entrances)
        {
            Posix.Close(fd);
            if (directory is { } open)
            {
                Posix.Close(open);
            }
        }

        _entrances.Clear();
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
