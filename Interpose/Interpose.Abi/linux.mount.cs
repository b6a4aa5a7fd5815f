namespace Interpose.Abi;

/// <summary>linux/mount.h: mount(2).</summary>
public static partial class Uapi
{
    public const int MS_REC = 16384;
    public const int MS_PRIVATE = 262144;
}
