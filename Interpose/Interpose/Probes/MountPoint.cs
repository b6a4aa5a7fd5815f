using System;
using System.Collections.Generic;
using System.IO;

namespace Interpose.Probes;

/// <summary>A line of /proc/self/mountinfo: proc_pid_mountinfo(5).</summary>
/// <param name="Root">The directory within the file system that is mounted.</param>
/// <param name="Target">Where.</param>
/// <param name="Type">The type of file system.</param>
/// <param name="Options">The options of the file system.</param>
public sealed record MountPoint(string Root, string Target, string Type, string Options)
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
