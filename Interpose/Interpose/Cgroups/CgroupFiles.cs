using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Threading;
using Interpose.Abi;
using Interpose.Files;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Cgroups;

/// <summary>Directories and files of cgroup file systems.</summary>
internal static class CgroupFiles
{
    private const int Permissions = 0x1ed;

    /// <summary>mkdir(2) with mode 0755.</summary>
    public static unsafe Errno Make(string directory)
    {
        fixed (byte* name = Zero(directory))
        {
            // SAFETY: the name ends in a zero byte.
            return Native.ErrnoOf(
                Native.Blocking(__NR_mkdir, (nint)name, Permissions, 0, 0, 0, 0));
        }
    }

    /// <summary>
    /// Kills whatever is in a group: at once where the kernel can (cgroup.kill, Linux 5.14), else
    /// one after the other, as often as new ones are found, within bounds.
    /// </summary>
    public static void Kill(string directory)
    {
        const int rounds = 100;
        if (Write(directory + "/cgroup.kill", "1") == Errno.None)
        {
            return;
        }

        for (int i = 0; i < rounds && KillMembers(directory); i++)
        {
            Thread.Sleep(1);
        }
    }

    /// <summary>Takes a group away with those that were made in it, deepest first.</summary>
    /// <param name="group">The group.</param>
    /// <param name="kills">Whether what is in them is killed.</param>
    /// <param name="tries">How often each is tried.</param>
    /// <returns>None, or why it is still there.</returns>
    public static Errno RemoveAll(string group, bool kills, int tries)
    {
        const int most = 10_000;
        List<string> all = [group];
        for (int i = 0; i < all.Count && all.Count < most; i++)
        {
            all.AddRange(Below(all[i]));
        }

        Errno errno = Errno.None;
        for (int i = all.Count - 1; i >= 0; i--)
        {
            if (kills)
            {
                Kill(all[i]);
            }

            errno = Remove(all[i], tries);
        }

        return errno;
    }

    /// <summary>
    /// Takes a group away. Tasks that were killed are in it until they are gone, so it is tried
    /// some times, 5 ms apart.
    /// </summary>
    public static Errno Remove(string directory, int tries)
    {
        const int pause = 5;
        Errno errno = Remove(directory);
        for (int t = 1; t < tries && errno == Errno.EBUSY; t++)
        {
            Thread.Sleep(pause);
            errno = Remove(directory);
        }

        return errno == Errno.ENOENT ? Errno.None : errno;
    }

    /// <summary>rmdir(2), which takes a group only when it has no process and no group.</summary>
    public static unsafe Errno Remove(string directory)
    {
        fixed (byte* name = Zero(directory))
        {
            // SAFETY: the name ends in a zero byte.
            return Native.ErrnoOf(Native.Blocking(__NR_rmdir, (nint)name, 0, 0, 0, 0, 0));
        }
    }

    /// <summary>The groups in a group; none where it is gone.</summary>
    public static string[] Below(string group)
    {
        try
        {
            return Directory.GetDirectories(group);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Whether a directory is a group.</summary>
    public static bool IsGroup(string directory) =>
        TextFile.Read(directory + "/cgroup.procs") is not null;

    /// <summary>Writes a setting, in one call as the kernel wants it.</summary>
    public static Errno Write(string file, string value)
    {
        Errno errno = Posix.Open(file, O_WRONLY, out int fd);
        if (errno != Errno.None)
        {
            return errno;
        }

        errno = Posix.Write(fd, Encoding.ASCII.GetBytes(value), out _);
        Posix.Close(fd);
        return errno;
    }

    /// <summary>
    /// A number behind a word in a file of such pairs, a line each; null when it is not there.
    /// </summary>
    public static long? Number(string file, string word)
    {
        foreach (string line in (TextFile.Read(file) ?? "").Split('\n'))
        {
            if (line.StartsWith(word, StringComparison.Ordinal) && line.Length > word.Length
                && line[word.Length] == ' ' && long.TryParse(line[(word.Length + 1)..], out long n))
            {
                return n;
            }
        }

        return null;
    }

    private static bool KillMembers(string directory)
    {
        string[] members = (TextFile.Read(directory + "/cgroup.procs") ?? "").Split(
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

    private static byte[] Zero(string path) => [.. Encoding.UTF8.GetBytes(path), 0];
}
