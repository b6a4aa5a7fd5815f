using System;
using System.Text;
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

    /// <summary>socket(2) and connect(2) to a path, of bytes, closed on exec.</summary>
    public static Errno Connect(string path, out int socket)
    {
        const int most = 108;
        byte[] name = Encoding.UTF8.GetBytes(path);
        byte* address = stackalloc byte[sizeof(ushort) + most];
        new Span<byte>(address, sizeof(ushort) + most).Clear();
        *(ushort*)address = AF_UNIX;
        socket = -1;
        if (name.Length >= most)
        {
            return Errno.ENAMETOOLONG;
        }

        name.CopyTo(new Span<byte>(address + sizeof(ushort), most));
        long result = Native.Quick(__NR_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (result < 0)
        {
            return Native.ErrnoOf(result);
        }

        socket = (int)result;

        // SAFETY: the kernel reads a struct sockaddr_un, a local.
        result = Native.Blocking(
            __NR_connect, socket, (nint)address, sizeof(ushort) + most, 0, 0, 0);
        if (result < 0)
        {
            Posix.Close(socket);
        }

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
