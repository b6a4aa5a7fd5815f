namespace Interpose.Abi;

/// <summary>linux/wait.h: wait4(2).</summary>
public static partial class Uapi
{
    public const int WNOHANG = 1;
    public const int WUNTRACED = 2;
    public const int WCONTINUED = 8;
    public const int __WALL = 1073741824;
    public const int __WCLONE = -2147483648;
    public const int __WNOTHREAD = 536870912;
}
