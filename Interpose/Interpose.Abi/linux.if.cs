namespace Interpose.Abi;

/// <summary>linux/sockios.h, linux/if.h and linux/socket.h: netdevice(7), socket(7).</summary>
public static partial class Uapi
{
    public const int AF_UNIX = 1;
    public const int AF_INET = 2;
    public const int SHUT_WR = 1;
    public const int SOCK_STREAM = 1;
    public const int SOCK_DGRAM = 2;
    public const int SOCK_SEQPACKET = 5;
    public const int SOCK_CLOEXEC = 0x80000;
    public const int SOL_SOCKET = 1;
    public const int SO_RCVTIMEO = 20;
    public const int SIOCSIFFLAGS = 0x8914;
    public const int IFF_UP = 1;
    public const int IFF_RUNNING = 64;
}
