namespace Interpose.Abi;

/// <summary>linux/landlock.h: landlock(7).</summary>
public static partial class Uapi
{
    public const uint LANDLOCK_CREATE_RULESET_VERSION = 1;
    public const int LANDLOCK_RULE_PATH_BENEATH = 1;
    public const ulong LANDLOCK_ACCESS_FS_EXECUTE = 1;
    public const ulong LANDLOCK_ACCESS_FS_WRITE_FILE = 2;
    public const ulong LANDLOCK_ACCESS_FS_READ_FILE = 4;
    public const ulong LANDLOCK_ACCESS_FS_READ_DIR = 8;
    public const ulong LANDLOCK_ACCESS_FS_MAKE_SYM = 4096;
    public const ulong LANDLOCK_ACCESS_FS_REFER = 8192;
    public const ulong LANDLOCK_ACCESS_FS_TRUNCATE = 16384;
    public const ulong LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET = 1;
    public const ulong LANDLOCK_SCOPE_SIGNAL = 2;
}
