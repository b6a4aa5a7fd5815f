namespace Interpose.Abi;

/// <summary>Answer of FUSE_INIT; the whole of it since 7.42.</summary>
public unsafe struct fuse_init_out
{
    public uint major;
    public uint minor;
    public uint max_readahead;
    public uint flags;
    public ushort max_background;
    public ushort congestion_threshold;
    public uint max_write;
    public uint time_gran;
    public ushort max_pages;
    public ushort map_alignment;
    public uint flags2;
    public uint max_stack_depth;
    public ushort request_timeout;
    public fixed ushort unused[11];
}

/// <summary>Answer of FUSE_OPEN; the last member was padding before 7.40.</summary>
public struct fuse_open_out
{
    public ulong fh;
    public uint open_flags;
    public int backing_id;
}

/// <summary>Argument of FUSE_STATX, since 7.39.</summary>
public struct fuse_statx_in
{
    public uint getattr_flags;
    public uint reserved;
    public ulong fh;
    public uint sx_flags;
    public uint sx_mask;
}

/// <summary>A time of <see cref="fuse_statx"/>.</summary>
public struct fuse_sx_time
{
    public long tv_sec;
    public uint tv_nsec;
    public int __reserved;
}

/// <summary>What a file is, with its time of birth, since 7.39.</summary>
public unsafe struct fuse_statx
{
    public uint mask;
    public uint blksize;
    public ulong attributes;
    public uint nlink;
    public uint uid;
    public uint gid;
    public ushort mode;
    public fixed ushort __spare0[1];
    public ulong ino;
    public ulong size;
    public ulong blocks;
    public ulong attributes_mask;
    public fuse_sx_time atime;
    public fuse_sx_time btime;
    public fuse_sx_time ctime;
    public fuse_sx_time mtime;
    public uint rdev_major;
    public uint rdev_minor;
    public uint dev_major;
    public uint dev_minor;
    public fixed ulong __spare2[14];
}

/// <summary>Answer of FUSE_STATX, since 7.39.</summary>
public unsafe struct fuse_statx_out
{
    public ulong attr_valid;
    public uint attr_valid_nsec;
    public uint flags;
    public fixed ulong spare[2];
    public fuse_statx stat;
}

/// <summary>A file for FUSE_DEV_IOC_BACKING_OPEN, since 7.40.</summary>
public struct fuse_backing_map
{
    public int fd;
    public uint flags;
    public ulong padding;
}

/// <summary>Answer of FUSE_COPY_FILE_RANGE_64, since 7.45.</summary>
public struct fuse_copy_file_range_out
{
    public ulong bytes_copied;
}
