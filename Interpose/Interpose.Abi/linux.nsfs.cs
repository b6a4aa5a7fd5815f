namespace Interpose.Abi;

/// <summary>linux/nsfs.h: ioctl_nsfs(2).</summary>
public static partial class Uapi
{
    public const int NS_GET_NSTYPE = 0xb703;
}
