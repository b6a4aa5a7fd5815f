namespace Interpose.Abi;

/// <summary>asm-generic/poll.h: poll(2).</summary>
public static partial class Uapi
{
    public const int POLLIN = 1;
    public const int POLLOUT = 4;
}

/// <summary>A descriptor to wait for: poll(2).</summary>
public struct pollfd
{
    public int fd;
    public short events;
    public short revents;
}
