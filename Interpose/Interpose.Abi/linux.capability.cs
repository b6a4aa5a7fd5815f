namespace Interpose.Abi;

/// <summary>linux/capability.h: capabilities(7).</summary>
public static partial class Uapi
{
    public const int CAP_SETGID = 6;
    public const int CAP_SETUID = 7;
}
