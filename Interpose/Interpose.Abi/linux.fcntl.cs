namespace Interpose.Abi;

/// <summary>linux/fcntl.h: open(2), fcntl(2).</summary>
public static partial class Uapi
{
    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_CREAT = 64;
    public const int O_TMPFILE = 4259840;
    public const int O_TRUNC = 512;
    public const int O_APPEND = 1024;
    public const int O_CLOEXEC = 524288;
    public const int O_DIRECTORY = 65536;
    public const int O_NOCTTY = 256;
    public const int O_PATH = 2097152;
    public const int O_NONBLOCK = 2048;
    public const int O_EXCL = 128;
    public const int O_NOFOLLOW = 131072;
    public const int O_ACCMODE = 3;
    public const int O_DSYNC = 4096;
    public const int O_NOATIME = 262144;
    public const int AT_FDCWD = -100;
    public const int AT_EMPTY_PATH = 4096;
    public const int AT_SYMLINK_NOFOLLOW = 256;
    public const int AT_SYMLINK_FOLLOW = 1024;
    public const int AT_NO_AUTOMOUNT = 2048;
    public const int AT_EACCESS = 512;
    public const int AT_RECURSIVE = 32768;
    public const int AT_REMOVEDIR = 512;
    public const int RENAME_NOREPLACE = 1;
    public const int RENAME_EXCHANGE = 2;
    public const int RENAME_WHITEOUT = 4;
    public const int LOCK_SH = 1;
    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;
    public const int F_GETFD = 1;
    public const int F_SETFD = 2;
    public const int F_GETFL = 3;
    public const int F_SETFL = 4;
    public const int F_DUPFD_CLOEXEC = 1030;
    public const int F_ADD_SEALS = 1033;
    public const int F_SEAL_SEAL = 1;
    public const int F_SEAL_SHRINK = 2;
    public const int F_SEAL_GROW = 4;
    public const int F_SEAL_WRITE = 8;
    public const int FD_CLOEXEC = 1;
    public const int X_OK = 1;
    public const int R_OK = 4;
    public const int W_OK = 2;
    public const int F_OK = 0;
}
