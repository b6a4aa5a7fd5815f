using System;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <content>What a copy has of the real file besides its content.</content>
internal sealed unsafe partial class FuseFiles
{
    /// <summary>
    /// Attributes of users, owner, mode and times, and the mark of a copy. A file that belongs to
    /// somebody whom the server cannot give it to is not copied (EOVERFLOW, as of overlayfs);
    /// a directory is, for what lies below may be the guest's.
    /// </summary>
    private Errno CopyMetadata(int from, int to, in statx status)
    {
        bool isLink = (status.stx_mode & S_IFMT) == S_IFLNK;
        Errno errno = IsDirectory(status) || (status.stx_mode & S_IFMT) == S_IFREG
            ? CopyExtended(from, to) : Errno.None;
        Errno given = FuseCalls.ChangeOwner(to, status.stx_uid, status.stx_gid);
        errno = errno == Errno.None && given != Errno.None && !IsDirectory(status)
            ? Errno.EOVERFLOW : errno;
        byte* name = stackalloc byte[DescriptorName.Length];
        DescriptorName.Write(to, name);
        errno = errno == Errno.None && !isLink ? FuseCalls.Named(
            __NR_fchmodat, _proc, name, (nint)(ShownMode(status.stx_mode) & ModeBits)) : errno;
        timespec* times = stackalloc timespec[2];
        times[0] = new() { tv_sec = status.stx_atime.tv_sec, tv_nsec = status.stx_atime.tv_nsec };
        times[1] = new() { tv_sec = status.stx_mtime.tv_sec, tv_nsec = status.stx_mtime.tv_nsec };
        return errno == Errno.None ? FuseCalls.SetTimes(_proc, name, times) : errno;
    }

    private Errno CopyExtended(int from, int to)
    {
        const int most = 64 * 1024;
        byte[] names = new byte[most];
        byte[] value = new byte[most];
        byte* path = stackalloc byte[LongestPath];
        PathByProc(from, path);
        Errno errno = Mark(to, "user.overlay.origin"u8, []);
        fixed (byte* list = names, bytes = value)
        {
            long length = FuseCalls.Count(__NR_listxattr, (nint)path, (nint)list, most);
            for (long at = 0; at < length && errno == Errno.None;)
            {
                ReadOnlySpan<byte> name = names.AsSpan((int)at, (int)(length - at));
                int end = name.IndexOf((byte)0) + 1;
                name = end == 0 ? default : name[..end];
                if (name.StartsWith("user."u8) && !name.StartsWith("user.overlay."u8))
                {
                    long size = FuseCalls.Count(
                        __NR_getxattr, (nint)path, (nint)(list + at), (nint)bytes, most);
                    errno = size < 0 ? Errno.None : Mark(to, name, value.AsSpan(0, (int)size));
                }

                at += end == 0 ? length : end;
            }
        }

        // Without attributes of users there is no mark either: overlayfs goes without as well.
        return errno == Errno.EOPNOTSUPP ? Errno.None : errno;
    }
}
