using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <content>Renaming, and to whom new files belong.</content>
internal sealed unsafe partial class FuseFiles
{
    private readonly uint _ownUser = (uint)Posix.GetEffectiveUser();
    private readonly uint _ownGroup = (uint)Posix.GetEffectiveGroup();

    /// <summary>One side of a rename.</summary>
    private ref struct Side
    {
        public FuseNode Parent;
        public FuseName Name;
        public ViewRule Rule;
        public ViewAccess Access;
        public int At;
    }

    private Errno Rename(FuseNode parent, ref FuseRequest request)
    {
        fuse_rename2_in* asked = request.Take<fuse_rename2_in>();
        return Rename(parent, asked->newdir, asked->flags, ref request);
    }

    private Errno Rename(FuseNode parent, ulong newdir, uint flags, ref FuseRequest request)
    {
        var from = new Side { Parent = parent, Name = request.TakeName() };
        var to = new Side { Name = request.TakeName() };
        if ((flags & ~(uint)(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0)
        {
            // RENAME_WHITEOUT would make a device.
            return (flags & RENAME_WHITEOUT) != 0 ? Errno.EPERM : Errno.EINVAL;
        }

        FuseNode? target = Tree.Use(newdir);
        if (target is null)
        {
            return Errno.ESTALE;
        }

        to.Parent = target;
        Errno errno = Judge(from.Parent, from.Name, out from.Rule, out from.Access);
        errno = errno == Errno.None
            ? Judge(to.Parent, to.Name, out to.Rule, out to.Access) : errno;
        errno = errno == Errno.None && from.Access != to.Access ? Errno.EXDEV : errno;
        if (errno == Errno.None)
        {
            lock (_moves)
            {
                errno = from.Access == ViewAccess.CopyOnWrite
                    ? RenameCopy(ref from, ref to, flags) : RenameReal(ref from, ref to, flags);
            }
        }

        Tree.Release(target);
        return errno;
    }

    private Errno RenameReal(ref Side from, ref Side to, uint flags)
    {
        Errno errno = RealPath(from.Parent, out from.At);
        errno = errno == Errno.None ? RealPath(to.Parent, out to.At) : errno;
        if (errno != Errno.None)
        {
            return errno;
        }

        FuseNode? moved = Hold(from.At, from.Name.Text, from.Rule, from.Access, out statx source);
        FuseNode? victim = Hold(to.At, to.Name.Text, to.Rule, to.Access, out statx target);
        errno = MayMove(ref from, ref to, source, target, flags);
        errno = errno == Errno.None ? FuseCalls.Move(
            __NR_renameat2, from.At, from.Name.Text, to.At, to.Name.Text, flags) : errno;
        Moved(moved, victim, errno, ref from, ref to, flags);
        return errno;
    }

    /// <summary>
    /// A directory takes with it what is below; so its rules must be those of the new name, or it
    /// is as if the names lay on two file systems.
    /// </summary>
    private static Errno MayMove(
        ref Side from, ref Side to, in statx source, in statx target, uint flags)
    {
        bool movesDirectory = (source.stx_mode & S_IFMT) == S_IFDIR
            || ((flags & RENAME_EXCHANGE) != 0 && (target.stx_mode & S_IFMT) == S_IFDIR);
        return movesDirectory && !ReferenceEquals(from.Rule, to.Rule)
            ? Errno.EXDEV : Errno.None;
    }

    /// <summary>After a rename, or one that failed: the nodes have their new names.</summary>
    private void Moved(
        FuseNode? moved, FuseNode? victim, Errno errno, ref Side from, ref Side to, uint flags)
    {
        // Two names of one file: nothing happens, rename(2).
        if (errno == Errno.None && moved is not null && moved == victim)
        {
            errno = Errno.EEXIST;
        }

        if (errno == Errno.None && victim is not null)
        {
            if ((flags & RENAME_EXCHANGE) != 0)
            {
                Tree.Move(victim, from.Parent, from.Name.Bytes);
            }
            else
            {
                Tree.LoseName(victim, to.Parent, to.Name.Bytes);
            }
        }

        if (errno == Errno.None && moved is not null)
        {
            Tree.Move(moved, to.Parent, to.Name.Bytes);
        }

        Tree.Release(victim);
        Tree.Release(moved);
    }

    /// <summary>
    /// A new file belongs to the caller: nothing to do where that is the server's own user.
    /// </summary>
    private Errno Give(FuseNode parent, int fd, fuse_in_header* caller)
    {
        if (!_users.TryFromMount(caller->uid, out uint user)
            || !_groups.TryFromMount(caller->gid, out uint group))
        {
            return Errno.EOVERFLOW;
        }

        if (user == _ownUser && group == _ownGroup)
        {
            return Errno.None;
        }

        // A set-group-ID directory has given its own group.
        const uint unchanged = uint.MaxValue;
        statx directory;
        Errno errno = Tree.Stat(parent, &directory);
        return errno != Errno.None ? errno : FuseCalls.ChangeOwner(
            fd, user, (directory.stx_mode & S_ISGID) != 0 ? unchanged : group);
    }

    /// <summary>The same by a name; what cannot be given is removed.</summary>
    private Errno GiveNamed(
        FuseNode parent, int at, byte* name, bool isDirectory, fuse_in_header* caller)
    {
        if (_users.TryFromMount(caller->uid, out uint user) && user == _ownUser
            && _groups.TryFromMount(caller->gid, out uint group) && group == _ownGroup)
        {
            return Errno.None;
        }

        Errno errno = FuseCalls.Open(at, name, O_PATH | O_NOFOLLOW, 0, out int fd);
        if (errno == Errno.None)
        {
            errno = Give(parent, fd, caller);
            Posix.Close(fd);
        }

        if (errno != Errno.None)
        {
            FuseCalls.Named(__NR_unlinkat, at, name, isDirectory ? AT_REMOVEDIR : 0);
        }

        return errno;
    }
}
