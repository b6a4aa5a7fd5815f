namespace Interpose.Abi;

/// <summary>linux/mman.h: mmap(2).</summary>
public static partial class Uapi
{
    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;
    public const int PROT_EXEC = 4;
    public const int MADV_POPULATE_WRITE = 23;
}
