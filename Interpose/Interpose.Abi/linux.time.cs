namespace Interpose.Abi;

/// <summary>linux/time.h: clock_gettime(2).</summary>
public static partial class Uapi
{
    public const int CLOCK_REALTIME = 0;
    public const int CLOCK_REALTIME_COARSE = 5;
}
