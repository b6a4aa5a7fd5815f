using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.LibC;

/// <summary>
/// Calls on files for a server, by pointers into buffers of its own, so that none of them takes
/// memory of the collector. Names end in a zero byte.
/// </summary>
internal static unsafe class FuseCalls
{
    private const int Way =
        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

    /// <summary>
    /// openat2(2) of one component: no link is followed, nothing is left. Mounts are entered.
    /// </summary>
    public static Errno Open(int at, byte* name, int flags, int mode, out int fd)
    {
        // SAFETY: struct open_how is three words; the name ends in a zero byte.
        ulong* how = stackalloc ulong[3]
        {
            (ulong)(flags | O_CLOEXEC), (ulong)mode, Way,
        };
        return Descriptor(
            Native.Blocking(__NR_openat2, at, (nint)name, (nint)how, 3 * sizeof(ulong), 0, 0),
            out fd);
    }

    /// <summary>openat(2), which follows the links of /proc/self/fd.</summary>
    public static Errno Reopen(int at, byte* name, int flags, out int fd) =>
        Descriptor(
            Native.Blocking(__NR_openat, at, (nint)name, flags | O_CLOEXEC, 0, 0, 0), out fd);

    /// <summary>statx(2) of a name without following it, or of the descriptor itself.</summary>
    public static Errno Stat(int at, byte* name, statx* into)
    {
        byte empty = 0;

        // SAFETY: the kernel writes one struct statx.
        return Native.ErrnoOf(Native.Blocking(
            __NR_statx, at, (nint)(name is null ? &empty : name),
            AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name is null ? AT_EMPTY_PATH : 0),
            STATX_BASIC_STATS | STATX_BTIME, (nint)into, 0));
    }

    /// <summary>A call of a directory, a name and at most three numbers.</summary>
    public static Errno Named(int number, int at, byte* name, nint a = 0, nint b = 0, nint c = 0) =>
        Native.ErrnoOf(Native.Blocking(number, at, (nint)name, a, b, c, 0));

    /// <summary>renameat2(2) or linkat(2).</summary>
    public static Errno Move(
        int number, int from, byte* name, int to, byte* target, uint flags) =>
        Native.ErrnoOf(Native.Blocking(
            number, from, (nint)name, to, (nint)target, (nint)flags, 0));

    /// <summary>symlinkat(2).</summary>
    public static Errno Link(byte* target, int at, byte* name) =>
        Native.ErrnoOf(Native.Blocking(
            __NR_symlinkat, (nint)target, at, (nint)name, 0, 0, 0));

    /// <summary>utimensat(2) with two timespecs.</summary>
    public static Errno SetTimes(int at, byte* name, timespec* times) =>
        Native.ErrnoOf(Native.Blocking(
            __NR_utimensat, at, (nint)name, (nint)times, 0, 0, 0));

    /// <summary>fchownat(2) of a descriptor.</summary>
    public static Errno ChangeOwner(int fd, uint user, uint group)
    {
        byte empty = 0;

        // SAFETY: an empty name, which stands for the descriptor.
        return Native.ErrnoOf(Native.Blocking(
            __NR_fchownat, fd, (nint)(&empty), (nint)user, (nint)group, AT_EMPTY_PATH, 0));
    }

    /// <summary>A call of a descriptor and numbers.</summary>
    public static Errno Of(int number, int fd, nint a = 0, nint b = 0, nint c = 0) =>
        Native.ErrnoOf(Native.Blocking(number, fd, a, b, c, 0, 0));

    /// <summary>A call whose result counts: at most what was asked for, or -errno.</summary>
    public static long Count(
        int number, nint a, nint b = 0, nint c = 0, nint d = 0, nint e = 0, nint f = 0) =>
        Native.Blocking(number, a, b, c, d, e, f);

    /// <summary>pwritev2(2) to the end of the file.</summary>
    public static long Append(int fd, byte* bytes, nint length)
    {
        // SAFETY: one struct iovec, two words.
        nint* piece = stackalloc nint[2] { (nint)bytes, length };
        return Native.Blocking(__NR_pwritev2, fd, (nint)piece, 1, 0, 0, RWF_APPEND);
    }

    /// <summary>ioctl(2) with a struct of the caller's.</summary>
    public static long Control(int fd, uint request, void* argument) =>
        Native.Blocking(__NR_ioctl, fd, (nint)request, (nint)argument, 0, 0, 0);

    private static Errno Descriptor(long result, out int fd)
    {
        fd = result < 0 ? -1 : (int)result;
        return Native.ErrnoOf(result);
    }
}
