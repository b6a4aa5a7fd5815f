using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.Files;

/// <summary>What a name stands for.</summary>
public enum FileKind
{
    /// <summary>Data.</summary>
    Regular,

    /// <summary>Names.</summary>
    Directory,

    /// <summary>A symbolic link.</summary>
    Link,

    /// <summary>A named pipe.</summary>
    Fifo,

    /// <summary>A socket.</summary>
    Socket,

    /// <summary>A character device; 0:0 is what overlayfs takes for "no file".</summary>
    CharacterDevice,

    /// <summary>A block device.</summary>
    BlockDevice,
}

/// <summary>What is known of a file without opening it: inode(7).</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Mode">The lower twelve bits of its mode.</param>
/// <param name="User">Its owner.</param>
/// <param name="Group">Its group.</param>
/// <param name="Size">Its length in bytes.</param>
/// <param name="Device">Of the file system that it is on.</param>
/// <param name="Inode">Its number there.</param>
/// <param name="Links">How many names it has.</param>
/// <param name="Modified">When its content was changed, in nanoseconds since the epoch.</param>
/// <param name="Changed">When anything of it was changed.</param>
/// <param name="Number">Of a device, which.</param>
public readonly record struct FileStatus(
    FileKind Kind, int Mode, uint User, uint Group, long Size, ulong Device, ulong Inode,
    uint Links, long Modified, long Changed, ulong Number)
{
    private const int ModeBits = 0xfff;

    /// <summary>Whether overlayfs says by it that there is no file.</summary>
    public bool IsWhiteout => Kind == FileKind.CharacterDevice && Number == 0;

    internal static FileStatus From(in statx found) => new(
        (found.stx_mode & S_IFMT) switch
        {
            S_IFREG => FileKind.Regular,
            S_IFDIR => FileKind.Directory,
            S_IFLNK => FileKind.Link,
            S_IFIFO => FileKind.Fifo,
            S_IFSOCK => FileKind.Socket,
            S_IFCHR => FileKind.CharacterDevice,
            _ => FileKind.BlockDevice,
        },
        found.stx_mode & ModeBits, found.stx_uid, found.stx_gid, (long)found.stx_size,
        Pair(found.stx_dev_major, found.stx_dev_minor), found.stx_ino, found.stx_nlink,
        Time(found.stx_mtime), Time(found.stx_ctime),
        Pair(found.stx_rdev_major, found.stx_rdev_minor));

    private static ulong Pair(uint high, uint low) => ((ulong)high << 32) | low;

    private static long Time(in statx_timestamp time) =>
        unchecked((time.tv_sec * 1_000_000_000) + time.tv_nsec);
}
