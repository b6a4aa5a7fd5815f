namespace Interpose.Abi;

/// <summary>linux/audit.h: architectures as seccomp(2) names them.</summary>
public static partial class Uapi
{
    public const uint AUDIT_ARCH_X86_64 = 0xc000003e;
    public const uint AUDIT_ARCH_I386 = 0x40000003;
}
