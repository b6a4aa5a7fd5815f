namespace Interpose.Abi;

/// <summary>linux/securebits.h: capabilities(7), "The securebits flags".</summary>
public static partial class Uapi
{
    public const int SECBIT_NOROOT = 1;
    public const int SECBIT_NOROOT_LOCKED = 2;
}
