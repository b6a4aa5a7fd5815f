namespace Interpose.Abi;

/// <summary>linux/stat.h: inode(7).</summary>
public static partial class Uapi
{
    public const int S_IFREG = 32768;
}
