using System;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <content>Looking up names, and what files are.</content>
internal sealed unsafe partial class FuseFiles
{
    private const int ModeBits = 0xfff;

    private Errno Lookup(FuseNode parent, ref FuseRequest request, FuseReply reply)
    {
        FuseName name = request.TakeName();
        ViewRule rule = parent.Rule.Child(name.Bytes);
        ViewAccess access = InForce(rule);
        statx found = default;
        Errno errno = FuseRequest.IsTooLong(name) ? Errno.ENAMETOOLONG
            : access == ViewAccess.Hide ? Errno.ENOENT
            : access == ViewAccess.Deny ? rule.Refusal
            : Errno.None;
        FuseNode? node = null;
        errno = errno == Errno.None ? Find(parent, name, rule, access, &found, out node) : errno;
        if (errno == Errno.ENOENT && _absentLifetime > 0)
        {
            // A node with the number 0 says that there is none, for so long.
            fuse_entry_out* absent = reply.Add<fuse_entry_out>();
            (absent->entry_valid, absent->entry_valid_nsec) = Split(_absentLifetime);
            return Errno.None;
        }

        if (errno == Errno.None)
        {
            Enter(node!, found, reply);
        }

        return errno;
    }

    /// <summary>What a name stands for, one time more known to the kernel; in use.</summary>
    private Errno Find(
        FuseNode parent, FuseName name, ViewRule rule, ViewAccess access, statx* found,
        out FuseNode? node)
    {
        node = null;
        if (access == ViewAccess.CopyOnWrite && parent.HasUpper)
        {
            return FindCopy(parent, name, rule, found, out node);
        }

        Errno errno = parent.HasLower ? Tree.Path(parent, upper: false, out int at)
            : Absent(out at);
        errno = errno == Errno.None ? FuseCalls.Stat(at, name.Text, found) : errno;
        if (errno == Errno.None)
        {
            node = Tree.Remember(parent, name.Bytes, *found, rule, access, inUpper: false);
        }

        return errno;
    }

    private static Errno Absent(out int fd)
    {
        fd = -1;
        return Errno.ENOENT;
    }

    /// <summary>Says that a name stands for a node, which is in use no more.</summary>
    private void Enter(FuseNode node, in statx found, FuseReply reply)
    {
        Fill(reply.Add<fuse_entry_out>(), node, found);
        reply.Entry = node;
        Tree.Release(node);
    }

    private void Fill(fuse_entry_out* entry, FuseNode node, in statx found)
    {
        (entry->nodeid, entry->generation) = (node.Id, 0);
        (entry->entry_valid, entry->entry_valid_nsec) = Split(_lifetime);
        (entry->attr_valid, entry->attr_valid_nsec) = (entry->entry_valid, entry->entry_valid_nsec);
        Fill(&entry->attr, node, found);
    }

    /// <summary>
    /// What guests see: no set-ID bits but that by which a directory gives its group to what is
    /// made in it, and no number of a device.
    /// </summary>
    private void Fill(fuse_attr* attr, FuseNode node, in statx found)
    {
        attr->ino = node.Ino;
        attr->size = found.stx_size;
        attr->blocks = found.stx_blocks;
        attr->atime = (ulong)found.stx_atime.tv_sec;
        attr->mtime = (ulong)found.stx_mtime.tv_sec;
        attr->ctime = (ulong)found.stx_ctime.tv_sec;
        attr->atimensec = found.stx_atime.tv_nsec;
        attr->mtimensec = found.stx_mtime.tv_nsec;
        attr->ctimensec = found.stx_ctime.tv_nsec;
        attr->mode = ShownMode(found.stx_mode);

        // Of a directory of two trees nobody counts the names; with 1 no program concludes from it.
        attr->nlink = node.Access == ViewAccess.CopyOnWrite && node.Type == S_IFDIR
            ? 1 : found.stx_nlink;
        attr->uid = _users.ToMount(found.stx_uid);
        attr->gid = _groups.ToMount(found.stx_gid);
        attr->blksize = found.stx_blksize;
    }

    private static uint ShownMode(uint mode) => mode & ~(uint)SetIdBits(mode);

    /// <summary>The bits that give rights of others, of a mode with its type.</summary>
    private static int SetIdBits(uint mode) =>
        (mode & S_IFMT) == S_IFDIR ? S_ISUID : S_ISUID | S_ISGID;

    private static (ulong Seconds, uint Nanoseconds) Split(long time) =>
        ((ulong)(time / Second), (uint)(time % Second));

    private Errno GetAttributes(FuseNode node, ref FuseRequest request, FuseReply reply)
    {
        fuse_getattr_in* asked = request.Take<fuse_getattr_in>();
        statx found = default;
        Errno errno = StatOf(
            node, (asked->getattr_flags & FUSE_GETATTR_FH) != 0 ? asked->fh : 0, &found);
        if (errno == Errno.None)
        {
            Say(node, found, reply);
        }

        return errno;
    }

    private void Say(FuseNode node, in statx found, FuseReply reply)
    {
        fuse_attr_out* said = reply.Add<fuse_attr_out>();
        (said->attr_valid, said->attr_valid_nsec) = Split(_lifetime);
        Fill(&said->attr, node, found);
    }

    /// <summary>What a node is, by an open handle where there is one.</summary>
    private Errno StatOf(FuseNode node, ulong handle, statx* found) =>
        handle != 0 && _handles.Find(handle) is { IsOfLower: false } open
            ? FuseCalls.Stat(open.Fd, null, found) : Tree.Stat(node, found);

    /// <summary>As FUSE_GETATTR, with the time of birth.</summary>
    private Errno GetStatx(FuseNode node, ref FuseRequest request, FuseReply reply)
    {
        fuse_statx_in* asked = request.Take<fuse_statx_in>();
        statx found = default;
        Errno errno = StatOf(
            node, (asked->getattr_flags & FUSE_GETATTR_FH) != 0 ? asked->fh : 0, &found);
        if (errno != Errno.None)
        {
            return errno;
        }

        fuse_attr attr = default;
        Fill(&attr, node, found);
        fuse_statx_out* said = reply.Add<fuse_statx_out>();
        (said->attr_valid, said->attr_valid_nsec) = Split(_lifetime);
        fuse_statx* stat = &said->stat;
        stat->mask = found.stx_mask & (STATX_BASIC_STATS | STATX_BTIME);
        (stat->blksize, stat->nlink) = (attr.blksize, attr.nlink);
        (stat->uid, stat->gid, stat->mode) = (attr.uid, attr.gid, (ushort)attr.mode);
        (stat->ino, stat->size, stat->blocks) = (attr.ino, attr.size, attr.blocks);
        stat->atime = TimeOf(found.stx_atime);
        stat->btime = TimeOf(found.stx_btime);
        stat->ctime = TimeOf(found.stx_ctime);
        stat->mtime = TimeOf(found.stx_mtime);
        return Errno.None;
    }

    private static fuse_sx_time TimeOf(in statx_timestamp time) =>
        new() { tv_sec = time.tv_sec, tv_nsec = time.tv_nsec };

    private Errno SetAttributes(FuseNode node, ref FuseRequest request, FuseReply reply)
    {
        fuse_setattr_in* asked = request.Take<fuse_setattr_in>();
        uint valid = asked->valid;
        statx found = default;
        Errno errno = Judge(node);
        errno = errno == Errno.None ? CopyFirst(node, empty: false) : errno;
        int fd = -1;
        errno = errno == Errno.None ? Tree.Path(node, out fd) : errno;
        errno = errno == Errno.None && (valid & FATTR_SIZE) != 0
            ? Truncate(node, fd, asked) : errno;
        errno = errno == Errno.None && (valid & FATTR_MODE) != 0
            ? SetMode(node, fd, asked->mode) : errno;
        errno = errno == Errno.None && (valid & (FATTR_UID | FATTR_GID)) != 0
            ? SetOwner(fd, asked) : errno;
        errno = errno == Errno.None
            && (valid & (FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW)) != 0
            ? SetTimes(fd, asked) : errno;
        errno = errno == Errno.None ? FuseCalls.Stat(fd, null, &found) : errno;
        if (errno == Errno.None)
        {
            if ((valid & FATTR_SIZE) != 0)
            {
                Stamp(node, found);
            }

            node.HasSetId = FuseTree.HasSetId(found);
            Say(node, found, reply);
        }

        return errno;
    }

    private Errno Truncate(FuseNode node, int path, fuse_setattr_in* asked)
    {
        if (node.Type != S_IFREG)
        {
            return node.Type == S_IFDIR ? Errno.EISDIR : Errno.EINVAL;
        }

        int fd = -1;
        bool isOpen = (asked->valid & FATTR_FH) != 0 && _handles.Find(asked->fh) is { } open
            && !open.IsOfLower && (fd = open.Fd) >= 0;
        Errno errno = isOpen ? Errno.None : Reopen(path, O_WRONLY, out fd);
        errno = errno == Errno.None ? DropSetId(node, fd) : errno;
        errno = errno == Errno.None
            ? FuseCalls.Of(__NR_ftruncate, fd, (nint)asked->size) : errno;
        if (!isOpen && fd >= 0)
        {
            Posix.Close(fd);
        }

        return errno;
    }

    /// <summary>
    /// chmod(2); a set-ID bit is refused: whoever runs the file has the guest's rights.
    /// </summary>
    private Errno SetMode(FuseNode node, int fd, uint mode)
    {
        if ((mode & (uint)SetIdBits(node.Type)) != 0)
        {
            return Errno.EPERM;
        }

        byte* name = stackalloc byte[DescriptorName.Length];
        DescriptorName.Write(fd, name);
        return FuseCalls.Named(__NR_fchmodat, _proc, name, (nint)(mode & ModeBits));
    }

    private Errno SetOwner(int fd, fuse_setattr_in* asked)
    {
        const uint unchanged = uint.MaxValue;
        uint user = unchanged;
        uint group = unchanged;
        bool isKnown =
            ((asked->valid & FATTR_UID) == 0 || _users.TryFromMount(asked->uid, out user))
            & ((asked->valid & FATTR_GID) == 0 || _groups.TryFromMount(asked->gid, out group));
        return isKnown ? FuseCalls.ChangeOwner(fd, user, group) : Errno.EINVAL;
    }

    private Errno SetTimes(int fd, fuse_setattr_in* asked)
    {
        timespec* times = stackalloc timespec[2];
        times[0] = Time(
            asked->valid, FATTR_ATIME, FATTR_ATIME_NOW, asked->atime, asked->atimensec);
        times[1] = Time(
            asked->valid, FATTR_MTIME, FATTR_MTIME_NOW, asked->mtime, asked->mtimensec);
        byte* name = stackalloc byte[DescriptorName.Length];
        DescriptorName.Write(fd, name);
        return FuseCalls.SetTimes(_proc, name, times);
    }

    private static timespec Time(
        uint valid, uint given, uint now, ulong seconds, uint nanoseconds) => new()
        {
            tv_sec = (long)seconds,
            tv_nsec = (valid & now) != 0 ? UTIME_NOW
                : (valid & given) != 0 ? nanoseconds : UTIME_OMIT,
        };

    /// <summary>access(2), where the mount leaves that to the server.</summary>
    private Errno Access(FuseNode node, ref FuseRequest request)
    {
        uint mask = request.Take<fuse_access_in>()->mask;
        Errno errno = (mask & W_OK) != 0 ? Judge(node) : Errno.None;
        int fd = -1;
        errno = errno == Errno.None ? Tree.Path(node, out fd) : errno;
        byte* name = stackalloc byte[DescriptorName.Length];
        DescriptorName.Write(Math.Max(fd, 0), name);
        return errno != Errno.None ? errno
            : FuseCalls.Named(__NR_faccessat2, _proc, name, (nint)mask, AT_EACCESS);
    }

    private Errno GetFileSystem(FuseNode node, FuseReply reply)
    {
        // struct statfs: type, bsize, blocks, bfree, bavail, files, ffree, fsid, namelen, frsize.
        long* system = stackalloc long[15];
        Errno errno = Tree.Path(node, out int fd);
        errno = errno == Errno.None ? FuseCalls.Of(__NR_fstatfs, fd, (nint)system) : errno;
        if (errno == Errno.None)
        {
            fuse_kstatfs* said = reply.Add<fuse_kstatfs>();
            said->bsize = (uint)system[1];
            (said->blocks, said->bfree, said->bavail) =
                ((ulong)system[2], (ulong)system[3], (ulong)system[4]);
            (said->files, said->ffree) = ((ulong)system[5], (ulong)system[6]);
            (said->namelen, said->frsize) = ((uint)system[8], (uint)system[9]);
        }

        return errno;
    }

    /// <summary>
    /// Opens what a descriptor stands for, by /proc: there is no name to be exchanged.
    /// </summary>
    private Errno Reopen(int path, int flags, out int fd)
    {
        byte* name = stackalloc byte[DescriptorName.Length];
        DescriptorName.Write(path, name);
        return FuseCalls.Reopen(_proc, name, flags | O_NOCTTY, out fd);
    }
}
