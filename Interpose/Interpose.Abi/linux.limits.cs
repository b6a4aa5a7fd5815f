namespace Interpose.Abi;

/// <summary>linux/limits.h.</summary>
public static partial class Uapi
{
    public const int PATH_MAX = 4096;
}
