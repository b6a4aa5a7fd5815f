namespace Interpose.Abi;

/// <summary>linux/close_range.h: close_range(2).</summary>
public static partial class Uapi
{
    public const int CLOSE_RANGE_UNSHARE = 2;
    public const int CLOSE_RANGE_CLOEXEC = 4;
}
