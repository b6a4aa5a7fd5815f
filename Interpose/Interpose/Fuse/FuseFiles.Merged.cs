using System;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <content>Listing a directory that is among the copies.</content>
internal sealed unsafe partial class FuseFiles
{
    private Errno ListMerged(
        FuseHandle handle, long offset, int room, FuseReply reply, bool plus)
    {
        if (handle.Merged is null || offset == 0)
        {
            handle.Merged ??= new MergedListing();
            Errno errno = Merge(handle.Node, handle.Merged);
            if (errno != Errno.None)
            {
                handle.Merged.Clear();
                return errno;
            }
        }

        MergedListing names = handle.Merged;
        for (long i = Math.Max(offset, 0); i < names.Count; i++)
        {
            Dirent* entry = names.At((int)i);
            if (entry->Type != Dirent.CharacterDevice
                && !AddEntry(handle.Node, entry, (i + 1, entry->Ino), room, reply, plus))
            {
                break;
            }
        }

        return Errno.None;
    }

    /// <summary>
    /// All names, those of copies first. Whiteouts are entries of the type of a device, which no
    /// guest can make; they cover the real names.
    /// </summary>
    private Errno Merge(FuseNode node, MergedListing names)
    {
        names.Clear();
        Errno errno = ReadTree(node, upper: true, names, null);
        if (errno != Errno.None || !node.HasLower)
        {
            return errno;
        }

        using var below = new MergedListing();
        errno = ReadTree(node, upper: false, below, null);
        for (int i = 0; errno == Errno.None && i < below.Count; i++)
        {
            Dirent* entry = below.At(i);
            Dirent* copy = names.Find(Dirent.NameOf(entry).Bytes);
            if (copy is null)
            {
                names.Add(entry, entry->Ino);
                names.At(names.Count - 1)->Type = entry->Type == Dirent.CharacterDevice
                    ? Dirent.Unknown : entry->Type;
            }
            else if (copy->Type == Dirent.Directory && entry->Type == Dirent.Directory)
            {
                copy->Ino = entry->Ino;
            }
        }

        return errno;
    }

    private Errno ReadTree(FuseNode node, bool upper, MergedListing into, MergedListing? but)
    {
        Errno errno = Tree.Path(node, upper, out int path);
        int fd = -1;
        errno = errno == Errno.None ? Reopen(path, O_RDONLY | O_DIRECTORY, out fd) : errno;
        if (errno == Errno.None)
        {
            statx status = default;
            errno = FuseCalls.Stat(fd, null, &status);
            errno = errno == Errno.None
                ? ReadAll(fd, into, but, FuseTree.Device(status)) : errno;
            Posix.Close(fd);
        }

        return errno;
    }

    /// <summary>Adds the names of an open directory, but for those of another listing.</summary>
    /// <param name="fd">The directory.</param>
    /// <param name="into">Gets them.</param>
    /// <param name="but">What is left out.</param>
    /// <param name="device">Of its files; 0: their numbers do not count.</param>
    private Errno ReadAll(int fd, MergedListing into, MergedListing? but, ulong device)
    {
        const int room = 16 * 1024;
        byte* buffer = stackalloc byte[room];
        while (true)
        {
            long read = FuseCalls.Count(__NR_getdents64, fd, (nint)buffer, room);
            if (read <= 0)
            {
                return Native.ErrnoOf(read);
            }

            for (long at = 0; at < read; at += ((Dirent*)(buffer + at))->Length)
            {
                var entry = (Dirent*)(buffer + at);
                if (but is null || but.Find(Dirent.NameOf(entry).Bytes) is null)
                {
                    into.Add(
                        entry, device == 0 ? 0 : Tree.Numbers.OfCopy(device, entry->Ino));
                }
            }
        }
    }

    private static bool IsDots(FuseName name) =>
        name.Bytes is [(byte)'.'] or [(byte)'.', (byte)'.'];
}
