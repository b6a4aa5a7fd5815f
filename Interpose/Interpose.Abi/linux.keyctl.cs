namespace Interpose.Abi;

/// <summary>linux/keyctl.h: keyctl(2).</summary>
public static partial class Uapi
{
    public const int KEYCTL_JOIN_SESSION_KEYRING = 1;
}
