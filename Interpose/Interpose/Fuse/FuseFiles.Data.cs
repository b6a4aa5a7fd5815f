using System;
using System.Threading;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <content>Opening files, and what is in them.</content>
internal sealed unsafe partial class FuseFiles
{
    /// <summary>What of the flags of an open the server's own open takes over.</summary>
    private const uint KeptFlags = O_ACCMODE | O_TRUNC | O_NOATIME;

    private Errno Open(FuseNode node, ref FuseRequest request, FuseReply reply)
    {
        uint flags = request.Take<fuse_open_in>()->flags;

        // The kernel remembers ENOSYS, and opens files itself from then on.
        return _connection.Agreement!.Value.OpensItself ? Errno.ENOSYS
            : OpenFile(node, flags, reply);
    }

    private Errno OpenFile(FuseNode node, uint flags, FuseReply reply)
    {
        if (node.Type != S_IFREG)
        {
            return node.Type == S_IFDIR ? Errno.EISDIR : Errno.EACCES;
        }

        bool truncates = (flags & O_TRUNC) != 0;
        bool writes = (flags & O_ACCMODE) != O_RDONLY || truncates;
        Errno errno = writes ? Judge(node) : Errno.None;
        errno = errno == Errno.None && writes ? CopyFirst(node, truncates) : errno;
        bool ofLower = !node.HasUpper && node.Access == ViewAccess.CopyOnWrite;
        int path = -1;
        errno = errno == Errno.None ? Tree.Path(node, out path) : errno;
        int fd = -1;
        errno = errno == Errno.None ? Reopen(path, (int)(flags & KeptFlags), out fd) : errno;
        if (errno == Errno.None)
        {
            if (truncates)
            {
                DropSetId(node, fd);
            }

            SayOpened(node, fd, ofLower, reply);
        }

        return errno;
    }

    /// <summary>
    /// Gives the kernel a handle, and says whether its cached data is still right.
    /// </summary>
    private void SayOpened(FuseNode node, int fd, bool ofLower, FuseReply reply)
    {
        FuseHandle handle = _handles.Add(node, fd);
        handle.IsOfLower = ofLower;
        Tree.CountHandle(node, 1);
        reply.Handle = handle;
        fuse_open_out* said = reply.Add<fuse_open_out>();
        said->fh = handle.Id;
        if (TryBack(handle, out int backing))
        {
            said->open_flags = FOPEN_PASSTHROUGH;
            said->backing_id = backing;
            return;
        }

        statx found = default;
        if (FuseCalls.Stat(fd, null, &found) == Errno.None)
        {
            said->open_flags = IsStamped(node, found) ? FOPEN_KEEP_CACHE : 0;
            Stamp(node, found);
        }
    }

    /// <summary>What cached data belongs to from now on.</summary>
    private static void Stamp(FuseNode node, in statx found)
    {
        Volatile.Write(ref node.Size, (long)found.stx_size);
        Volatile.Write(ref node.Modified, Modified(found));
    }

    private static bool IsStamped(FuseNode node, in statx found) =>
        Volatile.Read(ref node.Modified) == Modified(found)
        && Volatile.Read(ref node.Size) == (long)found.stx_size;

    private static long Modified(in statx found) =>
        unchecked((found.stx_mtime.tv_sec * Second) + found.stx_mtime.tv_nsec);

    /// <summary>
    /// Has the kernel read and write the file itself. All opens of one file at a time are of one
    /// kind, and share a number.
    /// </summary>
    private bool TryBack(FuseHandle handle, out int backing)
    {
        FuseNode node = handle.Node;
        backing = 0;
        if (!_connection.Agreement!.Value.PassesThrough || node.Access == ViewAccess.CopyOnWrite)
        {
            return false;
        }

        lock (node)
        {
            if (node.BackedOpens == 0 && node.OtherOpens == 0)
            {
                node.Backing = Math.Max(_connection.OpenBacking(handle.Fd), 0);
            }

            handle.IsBacked = node.Backing > 0 && node.OtherOpens == 0;
            node.BackedOpens += handle.IsBacked ? 1 : 0;
            node.OtherOpens += handle.IsBacked ? 0 : 1;
            backing = node.Backing;
            return handle.IsBacked;
        }
    }

    private Errno Release(ref FuseRequest request)
    {
        if (_handles.Find(request.Take<fuse_release_in>()->fh) is not { } handle)
        {
            return Errno.EBADF;
        }

        Close(handle);
        return Errno.None;
    }

    private void Close(FuseHandle handle)
    {
        FuseNode node = handle.Node;
        if (!handle.IsDirectory && _connection.Agreement!.Value.PassesThrough
            && node.Access != ViewAccess.CopyOnWrite)
        {
            lock (node)
            {
                node.BackedOpens -= handle.IsBacked ? 1 : 0;
                node.OtherOpens -= handle.IsBacked ? 0 : 1;
                if (node.BackedOpens == 0 && node.Backing > 0)
                {
                    _connection.CloseBacking(node.Backing);
                    node.Backing = 0;
                }
            }
        }

        _handles.Remove(handle);
        Tree.CountHandle(node, -1);
    }

    /// <summary>A descriptor to read by: that of a handle, or without one the node's.</summary>
    private Errno Reader(FuseNode node, ulong handle, out int fd)
    {
        fd = -1;
        if (handle == 0)
        {
            return node.Type == S_IFREG ? Tree.Data(node, _proc, out fd) : Errno.EBADF;
        }

        FuseHandle? open = _handles.Find(handle);
        if (open is null || open.IsDirectory)
        {
            return Errno.EBADF;
        }

        fd = open.Fd;
        return open.IsOfLower && node.HasUpper ? FollowCopy(open) : Errno.None;
    }

    private Errno Read(FuseNode node, ref FuseRequest request, FuseReply reply)
    {
        fuse_read_in* asked = request.Take<fuse_read_in>();
        Errno errno = asked->size > reply.Room ? Errno.EIO : Errno.None;
        int fd = -1;
        errno = errno == Errno.None ? Reader(node, asked->fh, out fd) : errno;
        if (errno != Errno.None)
        {
            return errno;
        }

        long read = FuseCalls.Count(
            __NR_pread64, fd, (nint)reply.Body, (nint)asked->size, (nint)asked->offset);
        reply.Grow((int)Math.Max(read, 0));
        return Native.ErrnoOf(read);
    }

    private Errno Write(FuseNode node, ref FuseRequest request, FuseReply reply)
    {
        fuse_write_in* asked = request.Take<fuse_write_in>();
        byte* bytes = request.TakeBytes(asked->size);
        if (_handles.Find(asked->fh) is not { IsDirectory: false } handle)
        {
            return _isReadOnly ? Errno.EROFS : Errno.EBADF;
        }

        // Pages of a mapping come by any handle; their place is where they are, not the end.
        bool isCached = (asked->write_flags & FUSE_WRITE_CACHE) != 0;
        bool appends = !isCached && (asked->flags & O_APPEND) != 0;
        Errno errno = DropSetId(node, handle.Fd);
        long written = errno != Errno.None ? -(long)errno
            : appends ? FuseCalls.Append(handle.Fd, bytes, (nint)asked->size)
            : FuseCalls.Count(
                __NR_pwrite64, handle.Fd, (nint)bytes, (nint)asked->size, (nint)asked->offset);
        if (written < 0)
        {
            return Native.ErrnoOf(written);
        }

        statx found = default;
        if (FuseCalls.Stat(handle.Fd, null, &found) == Errno.None)
        {
            Stamp(node, found);
        }

        reply.Add<fuse_write_out>()->size = (uint)written;
        return Errno.None;
    }

    /// <summary>
    /// Set-ID bits, which guests do not see, do not outlive a change: chown(2), write(2).
    /// </summary>
    private Errno DropSetId(FuseNode node, int fd)
    {
        statx found = default;
        if (!node.HasSetId)
        {
            return Errno.None;
        }

        Errno errno = FuseCalls.Stat(fd, null, &found);
        errno = errno == Errno.None
            ? SetMode(node, fd, ShownMode(found.stx_mode)) : errno;
        node.HasSetId = errno != Errno.None;

        // Who may write and is not the owner: the kernel takes them away at the write itself.
        return errno == Errno.EPERM ? Errno.None : errno;
    }
}
