namespace Interpose.Abi;

/// <summary>linux/capability.h: capabilities(7), as numbers of bits.</summary>
public static partial class Uapi
{
    public const int CAP_DAC_OVERRIDE = 1;
    public const int CAP_KILL = 5;
    public const int CAP_SETGID = 6;
    public const int CAP_SETUID = 7;
    public const int CAP_SETPCAP = 8;
    public const int CAP_NET_BIND_SERVICE = 10;
    public const int CAP_NET_BROADCAST = 11;
    public const int CAP_NET_ADMIN = 12;
    public const int CAP_NET_RAW = 13;
    public const int CAP_SYS_PTRACE = 19;
    public const int CAP_SYS_ADMIN = 21;
    public const int CAP_SYS_NICE = 23;
    public const int CAP_SYS_RESOURCE = 24;
    public const int CAP_SETFCAP = 31;
    public const uint _LINUX_CAPABILITY_VERSION_3 = 0x20080522;
}
