using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Interpose.Files;
using static Interpose.Abi.Uapi;

namespace Interpose.Probes;

/// <summary>A line of /proc/self/mountinfo: proc_pid_mountinfo(5).</summary>
/// <param name="Root">The directory within the file system that is mounted.</param>
/// <param name="Target">Where.</param>
/// <param name="Type">The type of file system.</param>
/// <param name="Options">The options of the file system.</param>
/// <param name="Id">Its number.</param>
/// <param name="Parent">The number of the mount that it stands on.</param>
/// <param name="Flags">MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC and MS_NOSYMFOLLOW.</param>
public sealed record MountPoint(
    string Root, string Target, string Type, string Options, int Id = 0, int Parent = 0,
    int Flags = 0)
{
    private const int ParentField = 1;
    private const int RootField = 3;
    private const int TargetField = 4;
    private const int FlagsField = 5;

    /// <summary>The mounts of this process; none when they cannot be read.</summary>
    public static IReadOnlyList<MountPoint> All() =>
        Of(TextFile.Lines("/proc/self/mountinfo"));

    /// <summary>Those of a text's lines.</summary>
    public static IReadOnlyList<MountPoint> Of(IEnumerable<string> lines)
    {
        var mounts = new List<MountPoint>();
        foreach (string line in lines)
        {
            string[] halves = line.Split(" - ", 2);
            string[] fields = halves[0].Split(' ');
            string[] rest = halves.Length < 2 ? [] : halves[1].Split(' ');
            if (fields.Length > FlagsField && rest.Length > 2)
            {
                mounts.Add(new(
                    Plain(fields[RootField]), Plain(fields[TargetField]), rest[0], rest[2],
                    Number(fields[0]), Number(fields[ParentField]), FlagsOf(fields[FlagsField])));
            }
        }

        return mounts;
    }

    /// <summary>Those that a path leads to: no other mount covers the way.</summary>
    public static IReadOnlyList<MountPoint> Visible(IReadOnlyList<MountPoint> mounts)
    {
        var byParent = new Dictionary<int, List<MountPoint>>();
        var visible = new List<MountPoint>();
        var waiting = new Stack<MountPoint>();
        var ids = new HashSet<int>();
        foreach (MountPoint mount in mounts)
        {
            ids.Add(mount.Id);
        }

        foreach (MountPoint mount in mounts)
        {
            if (!ids.Contains(mount.Parent) || mount.Parent == mount.Id)
            {
                waiting.Push(mount);
            }
            else if (byParent.TryGetValue(mount.Parent, out List<MountPoint>? others))
            {
                others.Add(mount);
            }
            else
            {
                byParent.Add(mount.Parent, [mount]);
            }
        }

        while (waiting.TryPop(out MountPoint? mount))
        {
            List<MountPoint> on = byParent.GetValueOrDefault(mount.Id) ?? [];
            bool isCovered = false;
            foreach (MountPoint one in on)
            {
                isCovered |= one.Target == mount.Target;
                if (!IsBehind(one, on))
                {
                    waiting.Push(one);
                }
            }

            if (!isCovered)
            {
                visible.Add(mount);
            }
        }

        // What stands above others comes before them.
        visible.Sort((a, b) => string.CompareOrdinal(a.Target, b.Target));
        return visible;
    }

    /// <summary>Whether another on the same mount stands on the way.</summary>
    private static bool IsBehind(MountPoint one, List<MountPoint> on)
    {
        foreach (MountPoint other in on)
        {
            string above = other.Target == "/" ? "/" : other.Target + "/";
            if (!ReferenceEquals(one, other) && one.Target.Length > other.Target.Length
                && one.Target.StartsWith(above, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : -1;

    private static int FlagsOf(string options)
    {
        int flags = 0;
        foreach (string option in options.Split(','))
        {
            flags |= option switch
            {
                "ro" => MS_RDONLY,
                "nosuid" => MS_NOSUID,
                "nodev" => MS_NODEV,
                "noexec" => MS_NOEXEC,
                "nosymfollow" => MS_NOSYMFOLLOW,
                _ => 0,
            };
        }

        return flags;
    }

    /// <summary>Space, tab, newline and backslash are written as <c>\NNN</c>.</summary>
    private static string Plain(string text)
    {
        const int length = 4;
        if (!text.Contains('\\', StringComparison.Ordinal))
        {
            return text;
        }

        var plain = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            bool isCode = text[i] == '\\' && i + length <= text.Length;
            plain.Append(isCode ? (char)Convert.ToInt32(text.Substring(i + 1, 3), 8) : text[i]);
            i += isCode ? length - 1 : 0;
        }

        return plain.ToString();
    }
}
