using System;
using System.Buffers.Text;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Namespaces;

/// <summary>
/// Who is about to make a user namespace, and whether the kernel would let that one write its map.
/// </summary>
public static class MapMaker
{
    private const int Enough = 4096;
    private static readonly string[] Capabilities = ["CapEff:"];

    /// <summary>Looks at a stopped task.</summary>
    /// <param name="task">The task.</param>
    /// <param name="ids">Its effective ids, as it sees them itself.</param>
    /// <returns>
    /// None; EACCES for a process that is not dumpable, whose files in /proc are root's; EPERM for
    /// ids that its own namespace has no names for, and for the id 0 of a task without
    /// CAP_SETFCAP: <c>verify_root_map</c>.
    /// </returns>
    public static Errno Look(HostTid task, out (uint User, uint Group) ids)
    {
        ids = default;
        if (Posix.Stat($"/proc/{task}", out statx owner) != Errno.None
            || Posix.Stat($"/proc/{task}/uid_map", out statx map) != Errno.None)
        {
            return Errno.ESRCH;
        }

        if (map.stx_uid != owner.stx_uid)
        {
            return Errno.EACCES;
        }

        // Of our own namespace the file tells the ids of the one around it.
        bool ours = Posix.ReadLink($"/proc/{task}/ns/user") == Posix.ReadLink("/proc/self/ns/user");
        uint? user = ours ? owner.stx_uid : Inside(task, "uid_map", owner.stx_uid);
        uint? group = ours ? owner.stx_gid : Inside(task, "gid_map", owner.stx_gid);
        if (user is not { } uid || group is not { } gid)
        {
            return Errno.EPERM;
        }

        ids = (uid, gid);
        Span<ulong> held = stackalloc ulong[1];
        bool known = ProcStatus.TryRead(task, 16, Capabilities, held);
        return uid != 0 || (known && (held[0] & (1UL << CAP_SETFCAP)) != 0)
            ? Errno.None : Errno.EPERM;
    }

    /// <summary>
    /// What an id of ours is in the user namespace of a task; null for nothing. A line of a map
    /// has the first id inside, the first outside, and how many.
    /// </summary>
    private static uint? Inside(HostTid task, string map, uint outside)
    {
        if (Posix.Open($"/proc/{task}/{map}", O_RDONLY, out int fd) != Errno.None)
        {
            return null;
        }

        Span<byte> text = stackalloc byte[Enough];
        Errno errno = Posix.Read(fd, text, out int read);
        Posix.Close(fd);
        Span<uint> words = stackalloc uint[3];
        foreach (Range line in text[..(errno == Errno.None ? read : 0)].Split((byte)'\n'))
        {
            ReadOnlySpan<byte> rest = text[line];
            int count = 0;
            while (count < words.Length
                && Utf8Parser.TryParse(rest.TrimStart((byte)' '), out words[count], out int taken))
            {
                rest = rest.TrimStart((byte)' ')[taken..];
                count++;
            }

            if (count == words.Length && outside - words[1] < words[2] && outside >= words[1])
            {
                return words[0] + (outside - words[1]);
            }
        }

        return null;
    }
}
