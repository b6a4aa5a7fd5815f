using System;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <content>Listing directories, and reading links.</content>
internal sealed unsafe partial class FuseFiles
{
    private const int Alignment = 8;

    private Errno OpenDirectory(FuseNode node, FuseReply reply)
    {
        if (node.Type != S_IFDIR)
        {
            return Errno.ENOTDIR;
        }

        Errno errno = Tree.Path(node, out int path);
        int fd = -1;
        errno = errno == Errno.None ? Reopen(path, O_RDONLY | O_DIRECTORY, out fd) : errno;
        if (errno != Errno.None)
        {
            return errno;
        }

        FuseHandle handle = _handles.Add(node, fd);
        handle.IsDirectory = true;
        Tree.CountHandle(node, 1);
        reply.Handle = handle;
        fuse_open_out* said = reply.Add<fuse_open_out>();
        said->fh = handle.Id;
        said->open_flags = _isReadOnly ? FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR : 0;
        return Errno.None;
    }

    private Errno ReadDirectory(
        FuseNode node, ref FuseRequest request, FuseReply reply, bool plus)
    {
        fuse_read_in* asked = request.Take<fuse_read_in>();
        if (_handles.Find(asked->fh) is not { IsDirectory: true } handle)
        {
            return Errno.EBADF;
        }

        int room = (int)Math.Min(asked->size, (uint)reply.Room);
        reply.IsListing = plus;
        lock (handle)
        {
            Errno errno = node.HasUpper
                ? ListMerged(handle, (long)asked->offset, room, reply, plus)
                : List(handle, (long)asked->offset, room, reply, plus);

            // What was said before an error is said; the error comes next time.
            return reply.Length > 0 ? Errno.None : errno;
        }
    }

    private Errno List(FuseHandle handle, long offset, int room, FuseReply reply, bool plus)
    {
        if (offset != handle.Next)
        {
            long at = FuseCalls.Count(__NR_lseek, handle.Fd, (nint)offset, SEEK_SET);
            if (at < 0)
            {
                return Native.ErrnoOf(at);
            }

            (handle.EntriesAt, handle.EntriesEnd, handle.Next) = (0, 0, offset);
        }

        byte* entries = FuseHandles.RoomOf(handle);
        while (true)
        {
            if (handle.EntriesAt >= handle.EntriesEnd)
            {
                long read = FuseCalls.Count(
                    __NR_getdents64, handle.Fd, (nint)entries, FuseHandles.EntriesRoom);
                if (read <= 0)
                {
                    return Native.ErrnoOf(read);
                }

                (handle.EntriesAt, handle.EntriesEnd) = (0, (int)read);
            }

            var entry = (Dirent*)(entries + handle.EntriesAt);
            ulong ino = Tree.Numbers.Of(handle.Node.Key.Device, entry->Ino);
            if (!AddEntry(handle.Node, entry, (entry->Off, ino), room, reply, plus))
            {
                return Errno.None;
            }

            handle.EntriesAt += entry->Length;
            handle.Next = entry->Off;
        }
    }

    /// <summary>Adds a name to a listing, unless it is hidden; false: there is no room.</summary>
    private bool AddEntry(
        FuseNode directory, Dirent* entry, (long Next, ulong Ino) place, int room,
        FuseReply reply, bool plus)
    {
        FuseName name = Dirent.NameOf(entry);
        bool isDots = IsDots(name);
        ViewRule? rule = isDots ? null : directory.Rule.Child(name.Bytes);
        ViewAccess access = rule is null ? ViewAccess.ReadOnly : InForce(rule);
        if (access == ViewAccess.Hide)
        {
            return true;
        }

        int head = (plus ? sizeof(fuse_entry_out) : 0) + sizeof(fuse_dirent);
        int length = (head + name.Length + Alignment - 1) & ~(Alignment - 1);
        if (length > room - reply.Length)
        {
            return false;
        }

        byte* into = reply.Body + reply.Length;
        new Span<byte>(into, length).Clear();
        if (plus && rule is not null && access != ViewAccess.Deny)
        {
            statx found = default;
            Errno errno = Find(directory, name, rule, access, &found, out FuseNode? node);
            if (errno == Errno.ENOENT)
            {
                return true;
            }

            if (errno == Errno.None)
            {
                Fill((fuse_entry_out*)into, node!, found);
                place.Ino = node!.Ino;
                Tree.Release(node);
            }
        }

        var said = (fuse_dirent*)(into + (plus ? sizeof(fuse_entry_out) : 0));
        (said->ino, said->off) = (place.Ino, (ulong)place.Next);
        (said->namelen, said->type) = ((uint)name.Length, entry->Type);
        name.Bytes.CopyTo(new Span<byte>(into + head, name.Length));
        reply.Grow(length);
        return true;
    }

    /// <summary>A listing that the kernel did not take: it does not know the nodes in it.</summary>
    private void ForgetListing(FuseReply reply)
    {
        for (int at = 0; at < reply.Length;)
        {
            var entry = (fuse_entry_out*)(reply.Body + at);
            var name = (fuse_dirent*)(entry + 1);
            if (entry->nodeid != 0)
            {
                Tree.Forget(entry->nodeid, 1);
            }

            int length = sizeof(fuse_entry_out) + sizeof(fuse_dirent) + (int)name->namelen;
            at += (length + Alignment - 1) & ~(Alignment - 1);
        }
    }

    private Errno ReadLink(FuseNode node, FuseReply reply)
    {
        if (node.Type != S_IFLNK)
        {
            return Errno.EINVAL;
        }

        Errno errno = Tree.Path(node, out int fd);
        if (errno != Errno.None)
        {
            return errno;
        }

        byte empty = 0;
        long read = FuseCalls.Count(
            __NR_readlinkat, fd, (nint)(&empty), (nint)reply.Body, PATH_MAX);
        reply.Grow((int)Math.Max(read, 0));
        return Native.ErrnoOf(read);
    }
}
