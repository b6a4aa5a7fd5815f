namespace Interpose.Abi;

/// <summary>linux/magic.h: types of file systems, statfs(2).</summary>
public static partial class Uapi
{
    public const int OVERLAYFS_SUPER_MAGIC = 0x794c7630;
    public const int NSFS_MAGIC = 0x6e736673;
}
