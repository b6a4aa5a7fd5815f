using System;
using System.Collections.Generic;
using System.IO;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Cgroups;

/// <summary>What was done with a group whose supervisor is dead, or is taken for it.</summary>
public enum DeadGroupFate
{
    /// <summary>It was emptied and taken away.</summary>
    Removed,

    /// <summary>It would have been.</summary>
    Found,

    /// <summary>It belongs to another user, and was left alone.</summary>
    Foreign,

    /// <summary>
    /// It was left alone, for a process holds its lock: one whose pid is another one here, or one
    /// that is just ending.
    /// </summary>
    InUse,

    /// <summary>It could not be taken away.</summary>
    Kept,
}

/// <summary>A group that was found.</summary>
/// <param name="Directory">Where.</param>
/// <param name="Fate">What became of it.</param>
/// <param name="User">Whose it is.</param>
/// <param name="Errno">Why it was kept.</param>
public sealed record DeadGroup(string Directory, DeadGroupFate Fate, uint User, Errno Errno);

/// <summary>
/// Finds groups of runs whose supervisor was killed, and takes them away. Many may do so at once,
/// beside any number of runs: a group is dead when the process in its name is, and nobody holds
/// its lock, which is then held until it is gone.
/// </summary>
public static class DeadGroups
{
    private const int Patient = 200;

    /// <summary>
    /// The groups directly below where this process would make its own, for the start of a run:
    /// nothing is waited for, and it is bounded.
    /// </summary>
    public static void Sweep(CgroupTree tree)
    {
        const int mostLooked = 512;
        const int mostRemoved = 16;
        int looked = 0;
        var found = new List<DeadGroup>();
        foreach (string home in tree.Homes)
        {
            foreach (string directory in CgroupFiles.Below(home))
            {
                if (++looked > mostLooked || found.Count >= mostRemoved)
                {
                    return;
                }

                Take(directory, false, 1, found);
            }
        }
    }

    /// <summary>All groups of all hierarchies that this process can see, within bounds.</summary>
    /// <param name="tree">The hierarchies.</param>
    /// <param name="onlyLook">Whether all is left as it is.</param>
    /// <returns>Those that are dead, and those that cannot be told; none that lives.</returns>
    public static IReadOnlyList<DeadGroup> Collect(CgroupTree tree, bool onlyLook)
    {
        const int most = 100_000;
        var found = new List<DeadGroup>();
        var open = new Stack<string>();
        foreach (string root in tree.Roots)
        {
            open.Push(root);
        }

        for (int looked = 0; looked < most && open.TryPop(out string? group); looked++)
        {
            foreach (string directory in CgroupFiles.Below(group))
            {
                if (!Take(directory, onlyLook, Patient, found))
                {
                    open.Push(directory);
                }
            }
        }

        return found;
    }

    /// <summary>Decides on one directory; false where it may have dead ones below.</summary>
    private static bool Take(string directory, bool onlyLook, int tries, List<DeadGroup> found)
    {
        if (!RunName.TryParse(Path.GetFileName(directory), out RunName run) || run.IsAlive
            || Posix.Stat(directory, out statx status) != Errno.None)
        {
            return false;
        }

        uint user = status.stx_uid;
        if (user != (uint)Posix.GetEffectiveUser())
        {
            found.Add(new(directory, DeadGroupFate.Foreign, user, Errno.None));
            return true;
        }

        Errno errno = Posix.Open(directory + "/cgroup.procs", O_RDONLY, out int fd);
        if (errno is Errno.ENOENT or Errno.ENODEV)
        {
            // Another one was faster.
            return true;
        }

        if (errno != Errno.None)
        {
            found.Add(new(directory, DeadGroupFate.Kept, user, errno));
            return true;
        }

        if (Posix.Lock(fd) == Errno.EAGAIN)
        {
            found.Add(new(directory, DeadGroupFate.InUse, user, Errno.None));
        }
        else if (onlyLook)
        {
            found.Add(new(directory, DeadGroupFate.Found, user, Errno.None));
        }
        else
        {
            bool members = !directory.EndsWith(RunName.Aside, StringComparison.Ordinal);
            errno = CgroupFiles.RemoveAll(directory, members, tries);
            found.Add(new(
                directory, errno == Errno.None ? DeadGroupFate.Removed : DeadGroupFate.Kept,
                user, errno));
        }

        Posix.Close(fd);
        return true;
    }
}
