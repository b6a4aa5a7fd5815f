using System;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.LibC;

/// <summary>What descriptors are of this process's own, and pipes.</summary>
internal static unsafe class Streams
{
    private const int TermiosSize = 64;

    /// <summary>pipe2(2), closed on exec.</summary>
    public static Errno Pipe(out int read, out int write)
    {
        int* ends = stackalloc int[2];

        // SAFETY: the kernel writes two ints.
        long result = Native.Quick(__NR_pipe2, (nint)ends, O_CLOEXEC);
        (read, write) = (ends[0], ends[1]);
        return Native.ErrnoOf(result);
    }

    /// <summary>Whether a descriptor is open for writing.</summary>
    public static bool IsWritable(int fd)
    {
        const int accessMode = 3;
        long flags = Native.Quick(__NR_fcntl, fd, F_GETFL);
        return flags >= 0 && (flags & accessMode) != O_RDONLY;
    }

    /// <summary>Whether a descriptor is a terminal: isatty(3).</summary>
    public static bool IsTerminal(int fd)
    {
        byte* settings = stackalloc byte[TermiosSize];

        // SAFETY: struct termios of the kernel is 36 bytes.
        return Native.Quick(__NR_ioctl, fd, (nint)TCGETS, (nint)settings) == 0;
    }

    /// <summary>Whether two descriptors are of one file.</summary>
    public static bool IsSameFile(int a, int b) =>
        TryStat(a, out statx one) && TryStat(b, out statx two) && one.stx_ino == two.stx_ino
        && one.stx_dev_major == two.stx_dev_major && one.stx_dev_minor == two.stx_dev_minor;

    /// <summary>
    /// Whether two descriptors share one open file and so its offset: kcmp(2). Where the kernel
    /// does not tell, whether they are of one file.
    /// </summary>
    public static bool IsSameOpenFile(int a, int b)
    {
        int own = Posix.GetPid();
        long order = Native.Quick(__NR_kcmp, own, own, KCMP_FILE, a, b);
        return order >= 0 ? order == 0 : IsSameFile(a, b);
    }

    /// <summary>Writes all bytes, to what others may have made non-blocking as well.</summary>
    public static Errno WriteAll(int fd, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Errno errno = Posix.Write(fd, bytes, out int written);
            if (errno == Errno.EAGAIN)
            {
                pollfd wanted = new() { fd = fd, events = POLLOUT };

                // SAFETY: the kernel reads and writes a local.
                Native.Blocking(__NR_poll, (nint)(&wanted), 1, -1, 0, 0, 0);
            }
            else if (errno is not Errno.None and not Errno.EINTR)
            {
                return errno;
            }

            bytes = bytes[written..];
        }

        return Errno.None;
    }

    private static bool TryStat(int fd, out statx status)
    {
        statx found = default;
        byte none = 0;

        // SAFETY: the kernel reads an empty name and writes to a local.
        long result = Native.Blocking(
            __NR_statx, fd, (nint)(&none), AT_EMPTY_PATH, STATX_BASIC_STATS, (nint)(&found), 0);
        status = found;
        return result == 0;
    }
}
