namespace Interpose.Abi;

/// <summary>linux/openat2.h: openat2(2).</summary>
public static partial class Uapi
{
    public const int RESOLVE_NO_XDEV = 1;
    public const int RESOLVE_BENEATH = 8;
    public const int RESOLVE_NO_MAGICLINKS = 2;
    public const int RESOLVE_NO_SYMLINKS = 4;
}
