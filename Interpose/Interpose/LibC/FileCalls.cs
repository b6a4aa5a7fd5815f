using System;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.LibC;

/// <summary>Calls on files by a directory's descriptor and a name in bytes.</summary>
internal static unsafe partial class FileCalls
{
    /// <summary>No way out of the directory: no links, no mounts, no "..": openat2(2).</summary>
    private const int Within =
        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;

    /// <summary>Opens what is below a directory, whatever links are there.</summary>
    public static Errno OpenWithin(
        int at, ReadOnlySpan<byte> nameAndZero, int flags, int mode, out int fd) =>
        Open(at, nameAndZero, flags, mode, Within, out fd);

    /// <summary>Opens a path from the root without a symbolic link on the way.</summary>
    public static Errno OpenPlain(ReadOnlySpan<byte> pathAndZero, int flags, out int fd) =>
        Open(
            AT_FDCWD, pathAndZero, flags, 0, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, out fd);

    /// <summary>statx(2) of a name, or of the descriptor itself; links are not followed.</summary>
    public static Errno Stat(int at, ReadOnlySpan<byte> nameAndZero, out statx status)
    {
        statx found = default;
        fixed (byte* name = nameAndZero)
        {
            // SAFETY: the name ends in a zero byte; the kernel writes to a local.
            long result = Native.Blocking(
                __NR_statx, at, (nint)name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH,
                STATX_BASIC_STATS | STATX_MNT_ID, (nint)(&found), 0);
            status = found;
            return Native.ErrnoOf(result);
        }
    }

    /// <summary>getdents64(2): how many bytes of entries were read; 0 at the end.</summary>
    public static Errno ReadEntries(int fd, Span<byte> into, out int read)
    {
        fixed (byte* buffer = into)
        {
            // SAFETY: the kernel writes at most the span.
            long result = Native.Blocking(
                __NR_getdents64, fd, (nint)buffer, into.Length, 0, 0, 0);
            read = result > 0 ? (int)result : 0;
            return Native.ErrnoOf(result);
        }
    }

    /// <summary>readlinkat(2).</summary>
    public static Errno ReadLink(
        int at, ReadOnlySpan<byte> nameAndZero, Span<byte> into, out int read)
    {
        fixed (byte* name = nameAndZero, buffer = into)
        {
            // SAFETY: the name ends in a zero byte; the kernel writes at most the span.
            long result = Native.Blocking(
                __NR_readlinkat, at, (nint)name, (nint)buffer, into.Length, 0, 0);
            read = result > 0 ? (int)result : 0;
            return Native.ErrnoOf(result);
        }
    }

    /// <summary>A call of a directory, a name, and at most two numbers.</summary>
    public static Errno Named(
        int number, int at, ReadOnlySpan<byte> nameAndZero, nint a = 0, nint b = 0, nint c = 0)
    {
        fixed (byte* name = nameAndZero)
        {
            // SAFETY: the name ends in a zero byte; what calls of this shape take are numbers.
            return Native.ErrnoOf(Native.Blocking(number, at, (nint)name, a, b, c, 0));
        }
    }

    /// <summary>symlinkat(2).</summary>
    public static Errno MakeLink(
        ReadOnlySpan<byte> targetAndZero, int at, ReadOnlySpan<byte> nameAndZero)
    {
        fixed (byte* target = targetAndZero, name = nameAndZero)
        {
            // SAFETY: both end in a zero byte.
            return Native.ErrnoOf(Native.Blocking(
                __NR_symlinkat, (nint)target, at, (nint)name, 0, 0, 0));
        }
    }

    /// <summary>renameat2(2) or linkat(2), which take the same.</summary>
    public static Errno Move(
        int number, int from, ReadOnlySpan<byte> nameAndZero, int to,
        ReadOnlySpan<byte> newAndZero, int flags)
    {
        fixed (byte* old = nameAndZero, @new = newAndZero)
        {
            // SAFETY: both names end in a zero byte.
            return Native.ErrnoOf(Native.Blocking(
                number, from, (nint)old, to, (nint)@new, flags, 0));
        }
    }

    /// <summary>
    /// utimensat(2): nanoseconds since the epoch, for both times; without a name those of the
    /// descriptor.
    /// </summary>
    public static Errno SetTimes(int at, ReadOnlySpan<byte> nameAndZero, long time)
    {
        const long second = 1_000_000_000;
        long seconds = Math.DivRem(time, second, out long rest);
        (seconds, rest) = rest < 0 ? (seconds - 1, rest + second) : (seconds, rest);
        long* times = stackalloc long[4] { seconds, rest, seconds, rest };
        fixed (byte* name = nameAndZero)
        {
            // SAFETY: the name ends in a zero byte; two timespecs are four words.
            return Native.ErrnoOf(Native.Blocking(
                __NR_utimensat, at, (nint)name, (nint)times,
                name == null ? 0 : AT_SYMLINK_NOFOLLOW, 0, 0));
        }
    }

    /// <summary>flistxattr(2): names, each with a zero byte behind it.</summary>
    public static Errno ListAttributes(int fd, Span<byte> into, out int read)
    {
        fixed (byte* buffer = into)
        {
            // SAFETY: the kernel writes at most the span.
            long result = Native.Blocking(
                __NR_flistxattr, fd, (nint)buffer, into.Length, 0, 0, 0);
            read = result > 0 ? (int)result : 0;
            return Native.ErrnoOf(result);
        }
    }

    /// <summary>fgetxattr(2).</summary>
    public static Errno GetAttribute(
        int fd, ReadOnlySpan<byte> nameAndZero, Span<byte> into, out int read)
    {
        fixed (byte* name = nameAndZero, buffer = into)
        {
            // SAFETY: the name ends in a zero byte; the kernel writes at most the span.
            long result = Native.Blocking(
                __NR_fgetxattr, fd, (nint)name, (nint)buffer, into.Length, 0, 0);
            read = result > 0 ? (int)result : 0;
            return Native.ErrnoOf(result);
        }
    }

    /// <summary>fsetxattr(2).</summary>
    public static Errno SetAttribute(
        int fd, ReadOnlySpan<byte> nameAndZero, ReadOnlySpan<byte> value)
    {
        fixed (byte* name = nameAndZero, bytes = value)
        {
            // SAFETY: the name ends in a zero byte; the kernel reads the span.
            return Native.ErrnoOf(Native.Blocking(
                __NR_fsetxattr, fd, (nint)name, (nint)bytes, value.Length, 0, 0));
        }
    }

    /// <summary>copy_file_range(2) from where both stand.</summary>
    public static Errno Copy(int from, int to, long most, out long copied)
    {
        long result = Native.Blocking(
            __NR_copy_file_range, from, 0, to, 0, (nint)most, 0);
        copied = Math.Max(result, 0);
        return Native.ErrnoOf(result);
    }

    /// <summary>fsync(2).</summary>
    public static Errno Sync(int fd) =>
        Native.ErrnoOf(Native.Blocking(__NR_fsync, fd, 0, 0, 0, 0, 0));

    /// <summary>flock(2), without waiting.</summary>
    public static Errno Lock(int fd, int how) =>
        Native.ErrnoOf(Native.Quick(__NR_flock, fd, how | LOCK_NB));

    /// <summary>fchown(2).</summary>
    public static Errno ChangeOwner(int fd, uint user, uint group) =>
        Native.ErrnoOf(Native.Blocking(__NR_fchown, fd, (nint)user, (nint)group, 0, 0, 0));

    /// <summary>clock_gettime(2), in nanoseconds since the epoch.</summary>
    public static long Clock(int clock)
    {
        timespec now = default;

        // SAFETY: the kernel writes to a local.
        Native.Quick(__NR_clock_gettime, clock, (nint)(&now));
        return (now.tv_sec * 1_000_000_000) + now.tv_nsec;
    }

    /// <summary>socketpair(2) of bytes, closed on exec.</summary>
    public static Errno Pair(out int ours, out int others)
    {
        int* pair = stackalloc int[2];

        // SAFETY: the kernel writes to two locals.
        long result = Native.Quick(
            __NR_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, (nint)pair);
        (ours, others) = (pair[0], pair[1]);
        return Native.ErrnoOf(result);
    }

    /// <summary>Waits until a descriptor can be read, for a bounded time: poll(2).</summary>
    public static bool AwaitReadable(int fd, int milliseconds)
    {
        const int readable = 1;
        long wanted = (uint)fd | ((long)readable << 32);

        // SAFETY: struct pollfd is an int and two shorts, a local.
        return Native.Blocking(__NR_poll, (nint)(&wanted), 1, milliseconds, 0, 0, 0) > 0;
    }

    /// <summary>Whether a descriptor says that something has gone wrong: POLLERR.</summary>
    public static bool HasFailed(int fd)
    {
        // Errors are told without being asked for.
        long wanted = (uint)fd;

        // SAFETY: struct pollfd is an int and two shorts, a local.
        return Native.Quick(__NR_poll, (nint)(&wanted), 1, 0) > 0;
    }

    private static Errno Open(
        int at, ReadOnlySpan<byte> nameAndZero, int flags, int mode, int resolve, out int fd)
    {
        ulong* how = stackalloc ulong[3]
        {
            (ulong)(flags | O_CLOEXEC), (ulong)mode, (ulong)resolve,
        };
        fixed (byte* name = nameAndZero)
        {
            // SAFETY: the name ends in a zero byte; struct open_how is three words.
            long result = Native.Blocking(
                __NR_openat2, at, (nint)name, (nint)how, 3 * sizeof(ulong), 0, 0);
            fd = (int)result;
            Errno errno = Native.ErrnoOf(result);
            return errno is Errno.ENOSYS or Errno.EPERM
                ? Walk(at, nameAndZero, flags, mode, resolve, out fd) : errno;
        }
    }
}
