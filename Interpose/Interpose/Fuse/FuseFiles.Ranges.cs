using System;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <content>What is done to ranges of open files.</content>
internal sealed unsafe partial class FuseFiles
{
    private Errno Synchronize(FuseNode node, ref FuseRequest request)
    {
        fuse_fsync_in* asked = request.Take<fuse_fsync_in>();
        int call = (asked->fsync_flags & FUSE_FSYNC_FDATASYNC) != 0
            ? __NR_fdatasync : __NR_fsync;
        Errno errno = Errno.None;
        int fd = -1;
        if (asked->fh == 0)
        {
            errno = Reader(node, 0, out fd);
        }
        else if (_handles.Find(asked->fh) is { } handle)
        {
            fd = handle.Fd;
        }
        else
        {
            errno = Errno.EBADF;
        }

        return errno == Errno.None ? FuseCalls.Of(call, fd) : errno;
    }

    private Errno Allocate(FuseNode node, ref FuseRequest request)
    {
        fuse_fallocate_in* asked = request.Take<fuse_fallocate_in>();
        if (_handles.Find(asked->fh) is not { IsDirectory: false } handle)
        {
            return Errno.EBADF;
        }

        Errno errno = DropSetId(node, handle.Fd);
        errno = errno != Errno.None ? errno : FuseCalls.Of(
            __NR_fallocate, handle.Fd, (nint)asked->mode, (nint)asked->offset,
            (nint)asked->length);
        statx found = default;
        if (errno == Errno.None && FuseCalls.Stat(handle.Fd, null, &found) == Errno.None)
        {
            Stamp(node, found);
        }

        return errno;
    }

    private Errno Seek(FuseNode node, ref FuseRequest request, FuseReply reply)
    {
        fuse_lseek_in* asked = request.Take<fuse_lseek_in>();
        Errno errno = Reader(node, asked->fh, out int fd);
        if (errno != Errno.None)
        {
            return errno;
        }

        long at = FuseCalls.Count(
            __NR_lseek, fd, (nint)asked->offset, (nint)asked->whence);
        reply.Add<fuse_lseek_out>()->offset = (ulong)at;
        return Native.ErrnoOf(at);
    }

    /// <summary>
    /// copy_file_range(2), a piece at a time so that it can be interrupted. The kernel copies by
    /// itself where the file systems cannot (EOPNOTSUPP).
    /// </summary>
    private Errno Copy(FuseNode node, ref FuseRequest request, FuseReply reply, bool isLong)
    {
        const ulong piece = 64 << 20;
        const ulong most = 1UL << 30;
        fuse_copy_file_range_in* asked = request.Take<fuse_copy_file_range_in>();
        Errno errno = Reader(node, asked->fh_in, out int from);
        if (errno != Errno.None
            || _handles.Find(asked->fh_out) is not { IsDirectory: false } to)
        {
            return errno != Errno.None ? errno : Errno.EBADF;
        }

        errno = DropSetId(to.Node, to.Fd);
        long at = (long)asked->off_in;
        long into = (long)asked->off_out;
        ulong done = 0;
        ulong length = Math.Min(asked->len, most);
        while (errno == Errno.None && done < length && !reply.IsInterrupted)
        {
            long copied = FuseCalls.Count(
                __NR_copy_file_range, from, (nint)(&at), to.Fd, (nint)(&into),
                (nint)Math.Min(length - done, piece), (nint)asked->flags);
            errno = copied < 0 && done == 0 ? Native.ErrnoOf(copied) : Errno.None;
            if (copied <= 0)
            {
                break;
            }

            done += (ulong)copied;
        }

        statx found = default;
        if (FuseCalls.Stat(to.Fd, null, &found) == Errno.None)
        {
            Stamp(to.Node, found);
        }

        if (isLong)
        {
            reply.Add<fuse_copy_file_range_out>()->bytes_copied = done;
        }
        else
        {
            reply.Add<fuse_write_out>()->size = (uint)done;
        }

        return errno == Errno.EXDEV ? Errno.EOPNOTSUPP
            : errno == Errno.None && done == 0 && reply.IsInterrupted ? Errno.EINTR : errno;
    }
}
