namespace Interpose.Abi;

/// <summary>linux/mman.h: mmap(2).</summary>
public static partial class Uapi
{
    public const int PROT_EXEC = 4;
}
