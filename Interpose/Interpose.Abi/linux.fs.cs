namespace Interpose.Abi;

/// <summary>linux/fs.h: lseek(2), pwritev2(2).</summary>
public static partial class Uapi
{
    public const int SEEK_SET = 0;
    public const int SEEK_DATA = 3;
    public const int SEEK_HOLE = 4;
    public const int RWF_APPEND = 16;
}
