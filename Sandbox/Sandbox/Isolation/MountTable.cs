using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Sandbox.Isolation;

/// <summary>What is mounted where: proc_pid_mountinfo(5).</summary>
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

    private MountTable(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            string[] words = line.Split(' ');
            int dash = Array.IndexOf(words, "-");
            if (words.Length > 4 && dash > 0 && dash + 1 < words.Length)
            {
                _types[Unescape(words[4])] = words[dash + 1];
            }
        }
    }

    /// <summary>The mounts that this process sees.</summary>
    public static MountTable Read() => new(File.ReadLines("/proc/self/mountinfo"));

    /// <summary>Those of a text, for tests.</summary>
    public static MountTable Of(string text) => new(text.Split('\n'));

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

    /// <summary>Space, tab, newline and backslash are written as <c>\NNN</c>.</summary>
    private static string Unescape(string text)
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
