namespace Interpose.Abi;

/// <summary>linux/landlock.h: landlock_create_ruleset(2).</summary>
public static partial class Uapi
{
    public const uint LANDLOCK_CREATE_RULESET_VERSION = 1;
}
