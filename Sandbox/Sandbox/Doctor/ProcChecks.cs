using System;
using System.Collections.Generic;
using System.IO;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.Placement;
using Interpose.Probes;

namespace Sandbox.Doctor;

/// <summary>/proc: what the supervisor reads of a task, read of a child.</summary>
internal static class ProcChecks
{
    private const string Group = "proc";

    public static IEnumerable<Check> Look()
    {
        string missing = Unreadable();
        yield return new(
            Group, "visible", true, missing.Length == 0 ? CheckState.Ok : CheckState.Missing,
            "status, exe and ns of a child", missing.Length == 0 ? "" : $"cannot read {missing}",
            missing.Length == 0 ? "" : "sudo mount -t proc proc /proc");
        string hides = HidePid();
        yield return new(
            Group, "hidepid", false, CheckState.Ok, hides.Length == 0 ? "off" : hides);
    }

    private static string Unreadable()
    {
        using var trial = new Trial();
        if (trial.Hold(out HostTid child) is var errno && errno != Errno.None)
        {
            return errno.Describe();
        }

        string missing = TaskAttributes.Status(child, "Tgid") != (ulong)child.Value ? "status"
            : TaskAttributes.InnermostPid(child) is null ? "NStgid in status"
            : HostProcess.ProgramOf(child) is null ? "exe"
            : TaskAttributes.Namespace(child, "pid") is null ? "ns/pid" : "";
        trial.End(child);
        return missing.Length == 0 ? "" : $"/proc/{child}: {missing}";
    }

    /// <summary>The option of proc(5) that hides processes of other users.</summary>
    private static string HidePid()
    {
        foreach (MountPoint mount in MountPoint.All())
        {
            if (mount.Target == "/proc" && mount.Type == "proc")
            {
                int at = mount.Options.IndexOf("hidepid=", StringComparison.Ordinal);
                return at < 0 ? "" : mount.Options[at..].Split(',')[0];
            }
        }

        return "";
    }
}

/// <summary>A line of /proc/self/mountinfo: proc_pid_mountinfo(5).</summary>
/// <param name="Root">The directory within the file system that is mounted.</param>
/// <param name="Target">Where.</param>
/// <param name="Type">The type of file system.</param>
/// <param name="Options">The options of the file system.</param>
internal sealed record MountPoint(string Root, string Target, string Type, string Options)
{
    private const int RootField = 3;
    private const int TargetField = 4;

    /// <summary>The mounts of this process; none when they cannot be read.</summary>
    public static IReadOnlyList<MountPoint> All()
    {
        var mounts = new List<MountPoint>();
        foreach (string line in Lines("/proc/self/mountinfo"))
        {
            string[] halves = line.Split(" - ", 2);
            string[] fields = halves[0].Split(' ');
            string[] rest = halves.Length < 2 ? [] : halves[1].Split(' ');
            if (fields.Length > TargetField && rest.Length > 2)
            {
                mounts.Add(new(fields[RootField], fields[TargetField], rest[0], rest[2]));
            }
        }

        return mounts;
    }

    /// <summary>The lines of a file; none when it cannot be read.</summary>
    public static IReadOnlyList<string> Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
