using System;
using System.Collections.Generic;
using System.Text;
using Interpose.Abi;
using Interpose.Files;
using Interpose.Launch;
using Interpose.LibC;
using static Interpose.Abi.Uapi;
using Failure = (string What, string Object, Interpose.Abi.Errno Errno);

namespace Interpose.Isolation;

/// <summary>The ids of a user namespace: user_namespaces(7).</summary>
/// <param name="Users">Text for uid_map.</param>
/// <param name="Groups">Text for gid_map.</param>
/// <param name="DeniesGroups">
/// Whether setgroups(2) is denied: without privileges no map of groups can be written before.
/// </param>
internal sealed record IdMap(string Users, string Groups, bool DeniesGroups)
{
    /// <summary>One user and one group.</summary>
    public static IdMap One(in GuestIds ids, bool deniesGroups) => new(
        $"{ids.Uid} {ids.HostUid} 1\n", $"{ids.Gid} {ids.HostGid} 1\n", deniesGroups);

    /// <summary>
    /// The ids of this process's own namespace as themselves: all, or without the privilege for
    /// that those of this process.
    /// </summary>
    public static IdMap Same()
    {
        const ulong needed = (1UL << CAP_SETUID) | (1UL << CAP_SETGID);
        if ((Privileges.Effective() & needed) == needed)
        {
            return new(All("uid_map"), All("gid_map"), DeniesGroups: false);
        }

        (int user, int group) = (Posix.GetEffectiveUser(), Posix.GetEffectiveGroup());
        return One(new(user, user, group, group), deniesGroups: true);
    }

    /// <summary>The files of a task, in the order in which they are written.</summary>
    /// <param name="task">Its id, or <c>self</c>.</param>
    public IEnumerable<(string File, string Text)> Files(string task)
    {
        if (DeniesGroups)
        {
            yield return ($"/proc/{task}/setgroups", "deny");
        }

        yield return ($"/proc/{task}/uid_map", Users);
        yield return ($"/proc/{task}/gid_map", Groups);
    }

    /// <summary>Writes the maps of a task that has just got its namespace.</summary>
    public Failure? Write(HostTid task)
    {
        foreach ((string file, string text) in Files(task.ToString()))
        {
            if (Write(file, text) is var errno and not Errno.None)
            {
                return ("write to", file, errno);
            }
        }

        return null;
    }

    /// <summary>A task writes the maps of its own new namespace.</summary>
    /// <param name="plan">The plan, up to here.</param>
    /// <param name="proc">A descriptor of a /proc; AT_FDCWD for the one that is mounted.</param>
    public void PlanOwn(LaunchPlan plan, StepArgument proc)
    {
        foreach ((string file, string text) in Files("self"))
        {
            plan.AddWrite(proc, file, text);
        }
    }

    private static Errno Write(string file, string text)
    {
        Errno errno = Posix.Open(file, O_WRONLY | O_CLOEXEC, out int fd);
        if (errno != Errno.None)
        {
            return errno;
        }

        errno = Posix.Write(fd, Encoding.ASCII.GetBytes(text), out _);
        Posix.Close(fd);
        return errno;
    }

    private static string All(string map)
    {
        var text = new StringBuilder();
        foreach (string line in TextFile.Lines($"/proc/self/{map}"))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 3)
            {
                text.Append($"{words[0]} {words[0]} {words[2]}\n");
            }
        }

        return text.ToString();
    }
}
