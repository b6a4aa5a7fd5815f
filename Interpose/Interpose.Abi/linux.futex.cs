namespace Interpose.Abi;

/// <summary>linux/futex.h: futex(2).</summary>
public static partial class Uapi
{
    public const int FUTEX_WAIT = 0;
    public const int FUTEX_WAKE = 1;
    public const int FUTEX_PRIVATE_FLAG = 128;
}
