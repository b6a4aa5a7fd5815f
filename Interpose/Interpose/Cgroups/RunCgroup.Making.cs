using System;
using System.Collections.Generic;
using System.Globalization;
using Interpose.Abi;
using Interpose.Files;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Cgroups;

/// <content>Where a group is made, and what is written to it.</content>
public sealed partial class RunCgroup
{
    /// <summary>What was switched on for the children of a group.</summary>
    private readonly List<string> _enabled = [];

    /// <summary>The group that this process has moved out of; null for none.</summary>
    private string? _movedFrom;

    private CgroupFailure? Make(CgroupTree tree, CgroupSpec spec)
    {
        var unified = new List<string>();
        string unifiedPart = string.Empty;
        foreach ((string controller, string part) in spec.Controllers())
        {
            if (tree.Of(controller) is not { } home)
            {
                return new("find the controller", controller, Errno.ENOENT, part);
            }

            if (home.Unified)
            {
                unified.Add(controller);
                unifiedPart = unifiedPart.Length == 0 ? part : unifiedPart;
                continue;
            }

            string directory = $"{home.Directory}/{_name}";
            _groups[controller] = home with { Directory = directory };
            if (MakeOnce(directory, part) is { } failure)
            {
                return failure;
            }
        }

        // What is there anyway costs nothing more.
        if (unified.Count > 0 && tree.Of("pids") is { Unified: true })
        {
            unified.Add("pids");
        }

        return unified.Count > 0 ? MakeUnified(tree.Unified!, unified, unifiedPart) : null;
    }

    private CgroupFailure? MakeOnce(string directory, string part)
    {
        if (_directories.Contains(directory))
        {
            return null;
        }

        Errno errno = CgroupFiles.Make(directory);
        if (errno == Errno.None)
        {
            _directories.Add(directory);
        }

        return errno == Errno.None ? null : new("mkdir", directory, errno, part);
    }

    /// <summary>
    /// A group with controllers may be below any group that has them for its children, and only
    /// one without processes can have them: "no internal processes". So it is made below our own
    /// if that can be, else beside it, else below it once we have moved out of the way.
    /// </summary>
    private CgroupFailure? MakeUnified(string own, List<string> controllers, string part)
    {
        string above = own[..own.LastIndexOf('/')];
        CgroupFailure? failure = null;
        foreach (string parent in new[] { own, above })
        {
            if (parent == above && !CgroupFiles.IsGroup(above))
            {
                continue;
            }

            failure = Enable(parent, controllers, part) ?? Below(parent, controllers, part);
            if (failure is null)
            {
                return null;
            }
        }

        return MoveAside(own) && Enable(own, controllers, part) is null
            ? Below(own, controllers, part) : failure;
    }

    private CgroupFailure? Below(string parent, List<string> controllers, string part)
    {
        string directory = $"{parent}/{_name}";
        CgroupFailure? failure = MakeOnce(directory, part);
        if (failure is null)
        {
            foreach (string controller in controllers)
            {
                _groups[controller] = new(directory, true);
            }
        }

        return failure;
    }

    private CgroupFailure? Enable(string parent, List<string> controllers, string part)
    {
        string file = parent + "/cgroup.subtree_control";
        string[] enabled = (TextFile.Read(file) ?? "").Split(' ', '\n');
        foreach (string controller in controllers)
        {
            bool has = Array.IndexOf(enabled, controller) >= 0;
            Errno errno = has ? Errno.None : CgroupFiles.Write(file, "+" + controller);
            if (errno == Errno.None && !has)
            {
                _enabled.Add(controller);
            }
            else if (errno != Errno.None && controller != "pids")
            {
                return new($"write +{controller} to", file, errno, part);
            }
        }

        return null;
    }

    /// <summary>
    /// Where this process is alone in its group, as in a scope of its own, it moves below it.
    /// </summary>
    private bool MoveAside(string own)
    {
        string alone = $"{Posix.GetPid()}";
        if (TextFile.Read(own + "/cgroup.procs")?.Trim() != alone)
        {
            return false;
        }

        string aside = own + "/" + _name + RunName.Aside;
        if (CgroupFiles.Make(aside) != Errno.None
            || CgroupFiles.Write(aside + "/cgroup.procs", alone) != Errno.None)
        {
            CgroupFiles.Remove(aside);
            return false;
        }

        _movedFrom = own;
        _enabled.Clear();
        return true;
    }

    /// <summary>Undoes that, so that the scope is left as it was found.</summary>
    private void MoveBack()
    {
        if (_movedFrom is { } own)
        {
            foreach (string controller in _enabled)
            {
                CgroupFiles.Write(own + "/cgroup.subtree_control", "-" + controller);
            }

            CgroupFiles.Write(own + "/cgroup.procs", $"{Posix.GetPid()}");
            CgroupFiles.Remove(own + "/" + _name + RunName.Aside);
            _movedFrom = null;
        }
    }

    /// <summary>The limits until the first task has become a program of its own.</summary>
    private static CgroupSpec AtStart(CgroupSpec spec)
    {
        // More than the kernel takes on the way there, 6 MiB of arguments included.
        const ulong start = 64 << 20;
        return spec.Memory < start ? spec with { Memory = start } : spec;
    }

    private CgroupFailure? Limit(CgroupSpec spec)
    {
        CgroupFailure? failure = null;
        if (spec.Memory is { } memory)
        {
            failure = LimitMemory(_groups["memory"], memory, spec.Swap ?? 0, spec.KillTogether);
        }

        if (failure is null && spec.Cpu is { } cpu)
        {
            (string directory, bool unified) = _groups["cpu"];
            string quota = Math.Max((long)(cpu * Period), 1000).ToString(
                CultureInfo.InvariantCulture);
            failure = unified ? Set(directory + "/cpu.max", $"{quota} {Period}", "cpu")
                : Set(directory + "/cpu.cfs_period_us", $"{Period}", "cpu")
                    ?? Set(directory + "/cpu.cfs_quota_us", quota, "cpu");
        }

        if (failure is null && spec.IoWeight is { } weight)
        {
            (string directory, bool unified) = _groups["io"];
            failure = Weigh(directory, unified, weight);
        }

        if (failure is null && spec.Tasks is { } tasks
            && _groups.TryGetValue("pids", out CgroupHome? pids))
        {
            failure = Set(pids.Directory + "/pids.max", $"{tasks}", "tasks");
        }

        return failure;
    }

    private static CgroupFailure? LimitMemory(
        CgroupHome home, ulong memory, ulong swap, bool together)
    {
        (string directory, bool unified) = home;
        if (unified)
        {
            // A kernel without swap has no such file, and no swap to keep it from.
            CgroupFailure? failure = Set(directory + "/memory.max", $"{memory}", "memory");
            return failure
                ?? Set(directory + "/memory.swap.max", $"{swap}", "memory", mayLack: true)
                ?? (together ? Set(directory + "/memory.oom.group", "1", "memory") : null);
        }

        return Set(directory + "/memory.limit_in_bytes", $"{memory}", "memory")
            ?? Set(
                directory + "/memory.memsw.limit_in_bytes", $"{memory + swap}", "memory",
                mayLack: !HasSwap());
    }

    /// <summary>The scheduler of the device says which of two files there is.</summary>
    private static CgroupFailure? Weigh(string directory, bool unified, int weight)
    {
        const int mostOfVersion1 = 1000;
        string[] files = unified ? ["/io.weight", "/io.bfq.weight"]
            : ["/blkio.weight", "/blkio.bfq.weight"];
        int value = unified ? weight : Math.Clamp(weight, 10, mostOfVersion1);
        CgroupFailure? failure = null;
        foreach (string file in files)
        {
            failure = Set(directory + file, $"{value}", "io_weight");
            if (failure is null)
            {
                return null;
            }
        }

        return failure;
    }

    private static bool HasSwap()
    {
        foreach (string line in (TextFile.Read("/proc/swaps") ?? "").Split('\n'))
        {
            if (line.StartsWith('/'))
            {
                return true;
            }
        }

        return false;
    }

    private static CgroupFailure? Set(
        string file, string value, string part, bool mayLack = false)
    {
        Errno errno = CgroupFiles.Write(file, value);
        return errno == Errno.None || (mayLack && errno == Errno.ENOENT) ? null
            : new($"write {value} to", file, errno, part);
    }

    /// <summary>
    /// Opens the entrance of each directory, and locks it: as long as the lock is held, and that
    /// is as long as this process lives, whatever its pid is where somebody looks, the group is
    /// in use.
    /// </summary>
    private CgroupFailure? Open()
    {
        foreach (string directory in _directories)
        {
            string part = PartOf(directory, out bool unified);
            string file = directory + "/cgroup.procs";
            Errno errno = Posix.Open(file, O_WRONLY, out int fd);
            if (errno != Errno.None)
            {
                return new("open", file, errno, part);
            }

            int birthplace = -1;
            errno = unified ? Posix.Open(directory, O_PATH | O_DIRECTORY, out birthplace)
                : Errno.None;
            _entrances.Add(new(fd, file, unified && errno == Errno.None ? birthplace : null));
            if (errno != Errno.None)
            {
                return new("open", directory, errno, part);
            }

            errno = Posix.Lock(fd);
            if (errno != Errno.None)
            {
                return new("lock", file, errno, part);
            }
        }

        return null;
    }

    /// <summary>The first limit that a directory is for.</summary>
    private string PartOf(string directory, out bool unified)
    {
        foreach ((string controller, CgroupHome home) in _groups)
        {
            if (home.Directory == directory)
            {
                unified = home.Unified;
                return controller == "io" ? "io_weight" : controller;
            }
        }

        unified = false;
        return "memory";
    }
}
