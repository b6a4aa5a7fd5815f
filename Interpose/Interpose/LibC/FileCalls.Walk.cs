using System;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.LibC;

/// <content>openat2(2) by hand, for where a filter around this process refuses it.</content>
internal static unsafe partial class FileCalls
{
    /// <summary>Opens component by component; no link is followed, and nothing leads up.</summary>
    private static Errno Walk(
        int at, ReadOnlySpan<byte> nameAndZero, int flags, int mode, int resolve, out int fd)
    {
        const int way = O_PATH | O_DIRECTORY;
        ReadOnlySpan<byte> rest = nameAndZero[..nameAndZero.IndexOf((byte)0)];
        bool isAbsolute = rest is [(byte)'/', ..];
        fd = -1;
        if (rest.IsEmpty || (isAbsolute && (resolve & RESOLVE_BENEATH) != 0))
        {
            return rest.IsEmpty ? Errno.ENOENT : Errno.EXDEV;
        }

        ulong? mount = null;
        if ((resolve & RESOLVE_NO_XDEV) != 0)
        {
            Errno known = Stat(at, [0], out statx start);
            if (known != Errno.None)
            {
                return known;
            }

            mount = start.stx_mnt_id;
        }

        Errno errno = OpenOne(at, isAbsolute ? "/"u8 : "."u8, way, 0, mount, out int here);
        while (errno == Errno.None)
        {
            ReadOnlySpan<byte> part = Next(ref rest);
            bool isLast = rest.IsEmpty;
            errno = part.SequenceEqual(".."u8) ? Errno.EXDEV
                : OpenOne(here, part, isLast ? flags : way, isLast ? mode : 0, mount, out fd);
            Posix.Close(here);
            if (isLast || errno != Errno.None)
            {
                return errno;
            }

            here = fd;
        }

        return errno;
    }

    /// <summary>Takes the first component, and the slashes around it; "." for none.</summary>
    private static ReadOnlySpan<byte> Next(ref ReadOnlySpan<byte> rest)
    {
        rest = rest.TrimStart((byte)'/');
        int end = rest.IndexOf((byte)'/');
        ReadOnlySpan<byte> part = end < 0 ? rest : rest[..end];
        rest = rest[part.Length..].TrimStart((byte)'/');
        return part.IsEmpty ? "."u8 : part;
    }

    /// <summary>openat(2) of one name that is no link, on one mount if that is asked for.</summary>
    private static Errno OpenOne(
        int at, ReadOnlySpan<byte> name, int flags, int mode, ulong? mount, out int fd)
    {
        byte[] text = [.. name, 0];
        Errno errno = OpenAt(at, text, flags | O_NOFOLLOW, mode, out fd);
        if (errno == Errno.ENOTDIR && Stat(at, text, out statx there) == Errno.None
            && (there.stx_mode & S_IFMT) == S_IFLNK)
        {
            return Errno.ELOOP;
        }

        if (errno != Errno.None || mount is null)
        {
            return errno;
        }

        errno = Stat(fd, [0], out statx found);
        errno = errno == Errno.None && found.stx_mnt_id != mount ? Errno.EXDEV : errno;
        if (errno != Errno.None)
        {
            Posix.Close(fd);
            fd = -1;
        }

        return errno;
    }

    /// <summary>openat(2); what is opened is closed on exec.</summary>
    public static Errno OpenAt(
        int at, ReadOnlySpan<byte> nameAndZero, int flags, int mode, out int fd)
    {
        fixed (byte* name = nameAndZero)
        {
            // SAFETY: the name ends in a zero byte.
            long result = Native.Blocking(
                __NR_openat, at, (nint)name, flags | O_CLOEXEC, mode, 0, 0);
            fd = (int)result;
            return Native.ErrnoOf(result);
        }
    }
}
