namespace Interpose.Abi;

/// <summary>asm-generic/ioctls.h: ioctl_tty(2).</summary>
public static partial class Uapi
{
    public const uint TCGETS = 0x5401;
    public const uint TIOCSTI = 0x5412;
    public const uint TIOCLINUX = 0x541c;
    public const uint TIOCGPGRP = 0x540f;
    public const uint TIOCSPGRP = 0x5410;
}
