namespace Interpose.Abi;

/// <summary>linux/stat.h: inode(7), statx(2).</summary>
public static partial class Uapi
{
    public const int S_IFMT = 61440;
    public const int S_ISUID = 2048;
    public const int S_ISGID = 1024;
    public const int S_IFREG = 32768;
    public const int S_IFDIR = 16384;
    public const int S_IFLNK = 40960;
    public const int S_IFIFO = 4096;
    public const int S_IFSOCK = 49152;
    public const int S_IFCHR = 8192;
    public const int S_IFBLK = 24576;
    public const int STATX_BASIC_STATS = 2047;
    public const int STATX_MNT_ID = 4096;
    public const int STATX_BTIME = 2048;
    public const int UTIME_NOW = 1073741823;
    public const int UTIME_OMIT = 1073741822;
}

/// <summary>A time of <see cref="statx"/>.</summary>
public struct statx_timestamp
{
    public long tv_sec;
    public uint tv_nsec;
    public int __reserved;
}

/// <summary>What a file is.</summary>
public unsafe struct statx
{
    public uint stx_mask;
    public uint stx_blksize;
    public ulong stx_attributes;
    public uint stx_nlink;
    public uint stx_uid;
    public uint stx_gid;
    public ushort stx_mode;
    public fixed ushort __spare0[1];
    public ulong stx_ino;
    public ulong stx_size;
    public ulong stx_blocks;
    public ulong stx_attributes_mask;
    public statx_timestamp stx_atime;
    public statx_timestamp stx_btime;
    public statx_timestamp stx_ctime;
    public statx_timestamp stx_mtime;
    public uint stx_rdev_major;
    public uint stx_rdev_minor;
    public uint stx_dev_major;
    public uint stx_dev_minor;
    public ulong stx_mnt_id;
    public uint stx_dio_mem_align;
    public uint stx_dio_offset_align;
    public fixed ulong __spare3[12];
}
