using System;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <content>Making a copy before something is changed.</content>
internal sealed unsafe partial class FuseFiles
{
    private const nint CopyPiece = 16 << 20;
    private const int LongestFileName = 256;

    /// <summary>
    /// Has a node copied, where it is one that is changed by copies and has none. The copy is made
    /// beside and then given its name, so it is seen whole or not at all. Of a file with several
    /// names this one gets the copy, as with overlayfs; the others stay real.
    /// </summary>
    /// <param name="node">In use.</param>
    /// <param name="empty">Whether the content is not needed.</param>
    private Errno CopyFirst(FuseNode node, bool empty)
    {
        if (node.Access != ViewAccess.CopyOnWrite || node.HasUpper)
        {
            return Errno.None;
        }

        if (node.Type == S_IFDIR)
        {
            return UpperPath(node, out _);
        }

        lock (node)
        {
            return node.HasUpper ? Errno.None : CopyUp(node, empty);
        }
    }

    /// <summary>The upper directory of a node, made where there is none yet.</summary>
    private Errno UpperPath(FuseNode node, out int fd)
    {
        fd = -1;
        if (!node.HasUpper)
        {
            lock (_copies)
            {
                Errno errno = node.HasUpper ? Errno.None : CopyDirectory(node);
                if (errno != Errno.None)
                {
                    return errno;
                }
            }
        }

        return Tree.Path(node, upper: true, out fd);
    }

    private Errno CopyDirectory(FuseNode node)
    {
        byte* name = stackalloc byte[LongestFileName];
        byte* temporary = stackalloc byte[TemporaryLength];
        FuseNode? parent = Tree.PlaceOf(node, new(name, LongestFileName));
        if (parent is null)
        {
            return Errno.ENOENT;
        }

        Errno errno = UpperPath(parent, out int up);
        int from = -1;
        errno = errno == Errno.None ? Tree.Path(node, upper: false, out from) : errno;
        statx status = default;
        errno = errno == Errno.None ? FuseCalls.Stat(from, null, &status) : errno;
        NameTemporary(temporary);
        errno = errno == Errno.None
            ? FuseCalls.Named(__NR_mkdirat, _work, temporary, 0x1c0) : errno;
        if (errno == Errno.None)
        {
            int to = -1;
            errno = FuseCalls.Open(_work, temporary, O_PATH | O_NOFOLLOW, 0, out to);
            errno = errno == Errno.None ? CopyMetadata(from, to, status) : errno;
            errno = errno == Errno.None ? Put(temporary, up, name) : errno;
            if (errno != Errno.None)
            {
                FuseCalls.Named(__NR_unlinkat, _work, temporary, AT_REMOVEDIR);
            }

            if (to >= 0)
            {
                Posix.Close(to);
            }
        }

        node.HasUpper |= errno == Errno.None;
        Tree.Release(parent);
        return errno;
    }

    private Errno CopyUp(FuseNode node, bool empty)
    {
        byte* name = stackalloc byte[LongestFileName];
        byte* temporary = stackalloc byte[TemporaryLength];
        NameTemporary(temporary);
        statx status = default;
        statx copy = default;
        Errno errno = Tree.Path(node, upper: false, out int from);
        errno = errno == Errno.None ? FuseCalls.Stat(from, null, &status) : errno;
        int to = -1;
        errno = errno == Errno.None
            ? CopyContent(node, from, temporary, empty ? 0 : (long)status.stx_size, out to) : errno;
        errno = errno == Errno.None ? CopyMetadata(from, to, status) : errno;
        FuseNode? parent = Tree.PlaceOf(node, new(name, LongestFileName));
        lock (_copies)
        {
            int up = -1;
            errno = errno == Errno.None && parent is not null
                ? UpperPath(parent, out up) : errno;
            errno = errno != Errno.None ? errno

                // A name that is gone: the copy has none either, but its descriptor.
                : parent is null ? FuseCalls.Named(__NR_unlinkat, _work, temporary)
                : Put(temporary, up, name);
            errno = errno == Errno.None ? FuseCalls.Stat(to, null, &copy) : errno;
            if (errno == Errno.None)
            {
                Tree.Keep(node, upper: true, to);
                Tree.Rekey(node, copy, keepsNumber: status.stx_nlink == 1);
                (node.HasUpper, node.HasLower) = (true, false);
            }
            else if (to >= 0)
            {
                FuseCalls.Named(__NR_unlinkat, _work, temporary);
                Posix.Close(to);
            }
        }

        Tree.Release(parent);
        return errno;
    }

    /// <summary>Makes the copy in the work directory, as O_PATH.</summary>
    private Errno CopyContent(FuseNode node, int from, byte* name, long size, out int to)
    {
        to = -1;
        Errno errno;
        if (node.Type == S_IFLNK)
        {
            byte empty = 0;
            byte* target = stackalloc byte[PATH_MAX + 1];
            long length = FuseCalls.Count(
                __NR_readlinkat, from, (nint)(&empty), (nint)target, PATH_MAX);
            target[Math.Max(length, 0)] = 0;
            errno = length < 0 ? Native.ErrnoOf(length) : FuseCalls.Link(target, _work, name);
        }
        else if (node.Type is S_IFIFO or S_IFSOCK)
        {
            errno = FuseCalls.Named(__NR_mknodat, _work, name, (nint)node.Type | 0x180);
        }
        else if (node.Type == S_IFREG)
        {
            errno = CopyData(from, name, size);
        }
        else
        {
            return Errno.EPERM;
        }

        errno = errno == Errno.None
            ? FuseCalls.Open(_work, name, O_PATH | O_NOFOLLOW, 0, out to) : errno;
        if (errno is not (Errno.None or Errno.EEXIST))
        {
            FuseCalls.Named(__NR_unlinkat, _work, name);
        }

        return errno;
    }

    private Errno CopyData(int path, byte* name, long size)
    {
        Errno errno = FuseCalls.Open(
            _work, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0x180, out int to);
        int from = -1;
        errno = errno == Errno.None && size > 0 ? Reopen(path, O_RDONLY, out from) : errno;
        long at = 0;
        while (errno == Errno.None && at < size)
        {
            // Holes stay holes; without SEEK_DATA all is data: lseek(2).
            long data = FuseCalls.Count(__NR_lseek, from, (nint)at, SEEK_DATA);
            if (data == -(long)Errno.ENXIO)
            {
                break;
            }

            at = data < 0 ? at : data;
            long hole = FuseCalls.Count(__NR_lseek, from, (nint)at, SEEK_HOLE);
            errno = CopyStretch(from, to, ref at, hole < 0 ? size : Math.Min(hole, size));
        }

        errno = errno == Errno.None && size > 0
            ? FuseCalls.Of(__NR_ftruncate, to, (nint)size) : errno;
        errno = errno == Errno.None && size > 0 ? FuseCalls.Of(__NR_fdatasync, to) : errno;
        if (from >= 0)
        {
            Posix.Close(from);
        }

        if (to >= 0)
        {
            Posix.Close(to);
        }

        return errno;
    }

    private static Errno CopyStretch(int from, int to, ref long at, long end)
    {
        const int piece = 64 * 1024;
        byte* buffer = stackalloc byte[piece];
        bool byKernel = true;
        while (at < end)
        {
            long copied;
            if (byKernel)
            {
                long source = at;
                long target = at;
                copied = FuseCalls.Count(
                    __NR_copy_file_range, from, (nint)(&source), to, (nint)(&target),
                    (nint)Math.Min(end - at, CopyPiece));
                byKernel = copied > 0;
                if (!byKernel)
                {
                    continue;
                }
            }
            else
            {
                copied = FuseCalls.Count(
                    __NR_pread64, from, (nint)buffer, (nint)Math.Min(end - at, piece), (nint)at);
                copied = copied <= 0 ? copied
                    : FuseCalls.Count(__NR_pwrite64, to, (nint)buffer, (nint)copied, (nint)at);
                if (copied <= 0)
                {
                    at = copied == 0 ? end : at;
                    return Native.ErrnoOf(copied);
                }
            }

            at += copied;
        }

        return Errno.None;
    }

    /// <summary>Gives a copy its name; the directory it comes into keeps its times.</summary>
    private Errno Put(byte* temporary, int up, byte* name)
    {
        statx status = default;
        Errno errno = FuseCalls.Stat(up, null, &status);
        errno = errno == Errno.None ? FuseCalls.Move(
            __NR_renameat2, _work, temporary, up, name, RENAME_NOREPLACE) : errno;
        if (errno == Errno.None)
        {
            byte* self = stackalloc byte[DescriptorName.Length];
            DescriptorName.Write(up, self);
            timespec* times = stackalloc timespec[2];
            times[0].tv_nsec = UTIME_OMIT;
            times[1] = new()
            {
                tv_sec = status.stx_mtime.tv_sec,
                tv_nsec = status.stx_mtime.tv_nsec,
            };
            FuseCalls.SetTimes(_proc, self, times);
        }

        return errno;
    }

    /// <summary>A handle that was opened before the copy was made goes on with it.</summary>
    private Errno FollowCopy(FuseHandle handle)
    {
        Errno errno = Tree.Path(handle.Node, upper: true, out int path);
        errno = errno == Errno.None ? Reopen(path, O_RDONLY, out int fd) : Unopened(errno, out fd);
        if (errno == Errno.None)
        {
            // In one step, for others may read by it.
            errno = FuseCalls.Of(__NR_dup3, fd, handle.Fd, O_CLOEXEC);
            Posix.Close(fd);
            handle.IsOfLower = errno != Errno.None;
        }

        return errno;
    }

    private static Errno Unopened(Errno errno, out int fd)
    {
        fd = -1;
        return errno;
    }
}
