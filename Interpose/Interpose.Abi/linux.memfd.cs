namespace Interpose.Abi;

/// <summary>linux/memfd.h: memfd_create(2).</summary>
public static partial class Uapi
{
    public const uint MFD_CLOEXEC = 1;
    public const uint MFD_ALLOW_SEALING = 2;
    public const uint MFD_EXEC = 16;
}
