namespace Interpose.Abi;

/// <summary>What a file is, as the kernel keeps it.</summary>
public struct fuse_attr
{
    public ulong ino;
    public ulong size;
    public ulong blocks;
    public ulong atime;
    public ulong mtime;
    public ulong ctime;
    public uint atimensec;
    public uint mtimensec;
    public uint ctimensec;
    public uint mode;
    public uint nlink;
    public uint uid;
    public uint gid;
    public uint rdev;
    public uint blksize;
    public uint flags;
}

/// <summary>What a file system has left: statfs(2).</summary>
public unsafe struct fuse_kstatfs
{
    public ulong blocks;
    public ulong bfree;
    public ulong bavail;
    public ulong files;
    public ulong ffree;
    public uint bsize;
    public uint namelen;
    public uint frsize;
    public uint padding;
    public fixed uint spare[6];
}

/// <summary>A name that was found, and what it stands for.</summary>
public struct fuse_entry_out
{
    public ulong nodeid;
    public ulong generation;
    public ulong entry_valid;
    public ulong attr_valid;
    public uint entry_valid_nsec;
    public uint attr_valid_nsec;
    public fuse_attr attr;
}

/// <summary>Argument of FUSE_FORGET.</summary>
public struct fuse_forget_in
{
    public ulong nlookup;
}

/// <summary>Argument of FUSE_FORGET.</summary>
public struct fuse_forget_one
{
    public ulong nodeid;
    public ulong nlookup;
}

/// <summary>Argument of FUSE_BATCH_FORGET.</summary>
public struct fuse_batch_forget_in
{
    public uint count;
    public uint dummy;
}

/// <summary>Argument of FUSE_GETATTR.</summary>
public struct fuse_getattr_in
{
    public uint getattr_flags;
    public uint dummy;
    public ulong fh;
}

/// <summary>Answer of FUSE_GETATTR and FUSE_SETATTR.</summary>
public struct fuse_attr_out
{
    public ulong attr_valid;
    public uint attr_valid_nsec;
    public uint dummy;
    public fuse_attr attr;
}

/// <summary>Argument of FUSE_MKNOD.</summary>
public struct fuse_mknod_in
{
    public uint mode;
    public uint rdev;
    public uint umask;
    public uint padding;
}

/// <summary>Argument of FUSE_MKDIR.</summary>
public struct fuse_mkdir_in
{
    public uint mode;
    public uint umask;
}

/// <summary>Argument of FUSE_RENAME.</summary>
public struct fuse_rename_in
{
    public ulong newdir;
}

/// <summary>Argument of FUSE_RENAME2.</summary>
public struct fuse_rename2_in
{
    public ulong newdir;
    public uint flags;
    public uint padding;
}

/// <summary>Argument of FUSE_LINK.</summary>
public struct fuse_link_in
{
    public ulong oldnodeid;
}

/// <summary>Argument of FUSE_SETATTR.</summary>
public struct fuse_setattr_in
{
    public uint valid;
    public uint padding;
    public ulong fh;
    public ulong size;
    public ulong lock_owner;
    public ulong atime;
    public ulong mtime;
    public ulong ctime;
    public uint atimensec;
    public uint mtimensec;
    public uint ctimensec;
    public uint mode;
    public uint unused4;
    public uint uid;
    public uint gid;
    public uint unused5;
}

/// <summary>Argument of FUSE_OPEN.</summary>
public struct fuse_open_in
{
    public uint flags;
    public uint open_flags;
}

/// <summary>Argument of FUSE_CREATE.</summary>
public struct fuse_create_in
{
    public uint flags;
    public uint mode;
    public uint umask;
    public uint open_flags;
}

/// <summary>Argument of FUSE_RELEASE.</summary>
public struct fuse_release_in
{
    public ulong fh;
    public uint flags;
    public uint release_flags;
    public ulong lock_owner;
}

/// <summary>Argument of FUSE_READ.</summary>
public struct fuse_read_in
{
    public ulong fh;
    public ulong offset;
    public uint size;
    public uint read_flags;
    public ulong lock_owner;
    public uint flags;
    public uint padding;
}

/// <summary>Argument of FUSE_WRITE.</summary>
public struct fuse_write_in
{
    public ulong fh;
    public ulong offset;
    public uint size;
    public uint write_flags;
    public ulong lock_owner;
    public uint flags;
    public uint padding;
}

/// <summary>Answer of FUSE_WRITE.</summary>
public struct fuse_write_out
{
    public uint size;
    public uint padding;
}

/// <summary>Argument of FUSE_FSYNC.</summary>
public struct fuse_fsync_in
{
    public ulong fh;
    public uint fsync_flags;
    public uint padding;
}

/// <summary>Argument of FUSE_SETXATTR.</summary>
public struct fuse_setxattr_in
{
    public uint size;
    public uint flags;
    public uint setxattr_flags;
    public uint padding;
}

/// <summary>Argument of FUSE_GETXATTR.</summary>
public struct fuse_getxattr_in
{
    public uint size;
    public uint padding;
}

/// <summary>Answer of FUSE_GETXATTR.</summary>
public struct fuse_getxattr_out
{
    public uint size;
    public uint padding;
}

/// <summary>Argument of FUSE_ACCESS.</summary>
public struct fuse_access_in
{
    public uint mask;
    public uint padding;
}

/// <summary>Argument of FUSE_INIT.</summary>
public unsafe struct fuse_init_in
{
    public uint major;
    public uint minor;
    public uint max_readahead;
    public uint flags;
    public uint flags2;
    public fixed uint unused[11];
}

/// <summary>Argument of FUSE_INTERRUPT.</summary>
public struct fuse_interrupt_in
{
    public ulong unique;
}

/// <summary>Argument of FUSE_FALLOCATE.</summary>
public struct fuse_fallocate_in
{
    public ulong fh;
    public ulong offset;
    public ulong length;
    public uint mode;
    public uint padding;
}

/// <summary>Argument of FUSE_IN_HEADER.</summary>
public struct fuse_in_header
{
    public uint len;
    public uint opcode;
    public ulong unique;
    public ulong nodeid;
    public uint uid;
    public uint gid;
    public uint pid;
    public ushort total_extlen;
    public ushort padding;
}

/// <summary>Argument of FUSE_OUT_HEADER.</summary>
public struct fuse_out_header
{
    public uint len;
    public int error;
    public ulong unique;
}

/// <summary>Argument of FUSE_DIRENT.</summary>
public struct fuse_dirent
{
    public ulong ino;
    public ulong off;
    public uint namelen;
    public uint type;
}

/// <summary>Argument of FUSE_LSEEK.</summary>
public struct fuse_lseek_in
{
    public ulong fh;
    public ulong offset;
    public uint whence;
    public uint padding;
}

/// <summary>Answer of FUSE_LSEEK.</summary>
public struct fuse_lseek_out
{
    public ulong offset;
}

/// <summary>Argument of FUSE_COPY_FILE_RANGE.</summary>
public struct fuse_copy_file_range_in
{
    public ulong fh_in;
    public ulong off_in;
    public ulong nodeid_out;
    public ulong fh_out;
    public ulong off_out;
    public ulong len;
    public ulong flags;
}

/// <summary>Answer of FUSE_NOTIFY_INVAL_INODE.</summary>
public struct fuse_notify_inval_inode_out
{
    public ulong ino;
    public long off;
    public long len;
}

/// <summary>Answer of FUSE_NOTIFY_INVAL_ENTRY.</summary>
public struct fuse_notify_inval_entry_out
{
    public ulong parent;
    public uint namelen;
    public uint flags;
}
