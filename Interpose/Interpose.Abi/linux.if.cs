namespace Interpose.Abi;

/// <summary>linux/sockios.h, linux/if.h and linux/socket.h: netdevice(7).</summary>
public static partial class Uapi
{
    public const int AF_INET = 2;
    public const int SOCK_DGRAM = 2;
    public const int SIOCSIFFLAGS = 0x8914;
    public const int IFF_UP = 1;
    public const int IFF_RUNNING = 64;
}
