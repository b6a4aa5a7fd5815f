using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.LibC;

/// <summary>Pairs of sockets by which this process talks to one that it started.</summary>
internal static unsafe class Sockets
{
    /// <summary>socketpair(2) of AF_UNIX and SOCK_SEQPACKET, closed on exec.</summary>
    public static Errno Pair(out int ours, out int theirs)
    {
        int* ends = stackalloc int[2];

        // SAFETY: the kernel writes two ints.
        long result = Native.Quick(
            __NR_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, (nint)ends);
        (ours, theirs) = (ends[0], ends[1]);
        return Native.ErrnoOf(result);
    }

    /// <summary>A read waits no longer than some seconds, then gives EAGAIN.</summary>
    public static Errno LimitReads(int socket, int seconds)
    {
        var time = new timeval { tv_sec = seconds };

        // SAFETY: the kernel reads a local of the size that it is told.
        return Native.ErrnoOf(Native.Quick(
            __NR_setsockopt, socket, SOL_SOCKET, SO_RCVTIMEO, (nint)(&time), sizeof(timeval)));
    }
}
