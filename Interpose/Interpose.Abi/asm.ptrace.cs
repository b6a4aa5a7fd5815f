namespace Interpose.Abi;

/// <summary>asm/ptrace.h: byte offsets of registers in struct user, ptrace(2).</summary>
public static partial class Uapi
{
    public const int OFFSET_R10 = 56;
    public const int OFFSET_R9 = 64;
    public const int OFFSET_R8 = 72;
    public const int OFFSET_RAX = 80;
    public const int OFFSET_RDX = 96;
    public const int OFFSET_RSI = 104;
    public const int OFFSET_RDI = 112;
    public const int OFFSET_ORIG_RAX = 120;

    /// <summary>How many words <c>user_regs_struct</c> has.</summary>
    public const int USER_REGS = 27;

    public const int OFFSET_RIP = 128;
    public const int OFFSET_RSP = 152;
}
