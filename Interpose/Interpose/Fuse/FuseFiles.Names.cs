using System.Threading;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <content>Making, moving and removing names in the real tree.</content>
internal sealed unsafe partial class FuseFiles
{
    /// <summary>
    /// What is looked at and then moved stays: the kernel holds the directories for as long, but
    /// not those that it knows by two numbers.
    /// </summary>
    private readonly Lock _moves = new();

    private Errno Create(FuseNode parent, ref FuseRequest request, FuseReply reply)
    {
        fuse_create_in* asked = request.Take<fuse_create_in>();
        FuseName name = request.TakeName();
        Errno errno = Judge(parent, name, out ViewRule rule, out ViewAccess access);
        if (errno != Errno.None)
        {
            return errno;
        }

        int flags = (int)asked->flags;
        int at = -1;
        int fd = -1;
        int mode = NewMode(asked->mode);
        if (access == ViewAccess.CopyOnWrite)
        {
            errno = CreateCopy(parent, name, flags, mode, request.Header, out fd);
        }
        else
        {
            errno = RealPath(parent, out at);
            errno = errno == Errno.None ? FuseCalls.Open(
                at, name.Text, (flags & (int)KeptFlags) | O_CREAT | O_EXCL | O_NOFOLLOW, mode,
                out fd) : errno;
            if (errno == Errno.None)
            {
                errno = Give(parent, fd, request.Header);
                _ = errno == Errno.None ? errno : FuseCalls.Named(__NR_unlinkat, at, name.Text);
            }
        }

        if (errno == Errno.EEXIST && (flags & O_EXCL) == 0)
        {
            return OpenExisting(parent, name, rule, access, asked->flags, reply);
        }

        statx found = default;
        errno = errno == Errno.None ? FuseCalls.Stat(fd, null, &found) : errno;
        if (errno != Errno.None)
        {
            if (fd >= 0)
            {
                Posix.Close(fd);
            }

            return errno;
        }

        FuseNode node = Tree.Remember(
            parent, name.Bytes, found, rule, access, access == ViewAccess.CopyOnWrite);
        Fill(reply.Add<fuse_entry_out>(), node, found);
        reply.Entry = node;
        SayOpened(node, fd, ofLower: false, reply);
        Tree.Release(node);
        return Errno.None;
    }

    /// <summary>The name came into being since the kernel looked.</summary>
    private Errno OpenExisting(
        FuseNode parent, FuseName name, ViewRule rule, ViewAccess access, uint flags,
        FuseReply reply)
    {
        statx found = default;
        Errno errno = Find(parent, name, rule, access, &found, out FuseNode? node);
        if (errno != Errno.None)
        {
            return errno;
        }

        if (node!.Type == S_IFREG)
        {
            Fill(reply.Add<fuse_entry_out>(), node, found);
            reply.Entry = node;
            errno = OpenFile(node, flags, reply);
        }
        else
        {
            // The kernel looks again, and finds what only it can follow or refuse.
            errno = Errno.ESTALE;
        }

        if (errno != Errno.None)
        {
            Tree.Forget(node.Id, 1);
            reply.Reset();
        }

        Tree.Release(node);
        return errno;
    }

    /// <summary>A file without a name: O_TMPFILE. It is as its directory's rule says.</summary>
    private Errno MakeNameless(FuseNode parent, ref FuseRequest request, FuseReply reply)
    {
        fuse_create_in* asked = request.Take<fuse_create_in>();
        bool copies = parent.Access == ViewAccess.CopyOnWrite;
        Errno errno = Judge(parent);
        int at = -1;
        errno = errno != Errno.None ? errno
            : copies ? UpperPath(parent, out at) : RealPath(parent, out at);
        byte* here = stackalloc byte[2] { (byte)'.', 0 };
        int flags = (int)(asked->flags & (O_ACCMODE | O_EXCL)) | O_TMPFILE;
        int fd = -1;
        errno = errno == Errno.None
            ? FuseCalls.Open(at, here, flags, NewMode(asked->mode), out fd) : errno;
        errno = errno == Errno.None ? Give(parent, fd, request.Header) : errno;
        statx found = default;
        errno = errno == Errno.None ? FuseCalls.Stat(fd, null, &found) : errno;
        int path = -1;
        errno = errno == Errno.None ? Reopen(fd, O_PATH, out path) : errno;
        if (errno != Errno.None)
        {
            if (fd >= 0)
            {
                Posix.Close(fd);
            }

            return errno;
        }

        FuseNode node = Tree.Remember(
            parent, [], found, parent.Rule, parent.Access, copies);
        Tree.Keep(node, copies, path);
        Fill(reply.Add<fuse_entry_out>(), node, found);
        reply.Entry = node;
        SayOpened(node, fd, ofLower: false, reply);
        Tree.Release(node);
        return Errno.None;
    }

    private Errno MakeNode(FuseNode parent, ref FuseRequest request, FuseReply reply)
    {
        fuse_mknod_in* asked = request.Take<fuse_mknod_in>();
        FuseName name = request.TakeName();
        uint type = asked->mode & S_IFMT;
        return type is S_IFCHR or S_IFBLK ? Errno.EPERM : Make(
            parent, name, new(__NR_mknodat, (int)type | NewMode(asked->mode)), ref request,
            reply);
    }

    private Errno MakeDirectory(FuseNode parent, ref FuseRequest request, FuseReply reply)
    {
        fuse_mkdir_in* asked = request.Take<fuse_mkdir_in>();
        FuseName name = request.TakeName();
        return Make(parent, name, new(__NR_mkdirat, NewMode(asked->mode)), ref request, reply);
    }

    private Errno MakeLink(FuseNode parent, ref FuseRequest request, FuseReply reply)
    {
        FuseName name = request.TakeName();
        FuseName target = request.TakeText();
        return Make(
            parent, name, new(__NR_symlinkat, 0) { Target = target.Text }, ref request, reply);
    }

    /// <summary>What is to be made: by which call, and with what.</summary>
    private readonly struct NewFile(int call, int mode)
    {
        public byte* Target { get; init; }

        public bool IsDirectory => call == __NR_mkdirat;

        public Errno MakeAt(int at, byte* name) => Target is not null
            ? FuseCalls.Link(Target, at, name) : FuseCalls.Named(call, at, name, mode);
    }

    private Errno Make(
        FuseNode parent, FuseName name, NewFile file, ref FuseRequest request, FuseReply reply)
    {
        Errno errno = Judge(parent, name, out ViewRule rule, out ViewAccess access);
        if (errno != Errno.None)
        {
            return errno;
        }

        if (access == ViewAccess.CopyOnWrite)
        {
            errno = MakeCopy(parent, name, file, request.Header);
        }
        else
        {
            errno = RealPath(parent, out int at);
            errno = errno == Errno.None ? file.MakeAt(at, name.Text) : errno;
            errno = errno == Errno.None
                ? GiveNamed(parent, at, name.Text, file.IsDirectory, request.Header) : errno;
        }

        return errno == Errno.None ? EnterNew(parent, name, rule, access, reply) : errno;
    }

    private Errno EnterNew(
        FuseNode parent, FuseName name, ViewRule rule, ViewAccess access, FuseReply reply)
    {
        statx found = default;
        Errno errno = Find(parent, name, rule, access, &found, out FuseNode? node);
        if (errno == Errno.None)
        {
            Enter(node!, found, reply);
        }

        return errno;
    }

    private Errno Link(FuseNode parent, ref FuseRequest request, FuseReply reply)
    {
        FuseNode? old = Tree.Use(request.Take<fuse_link_in>()->oldnodeid);
        if (old is null)
        {
            return Errno.ESTALE;
        }

        FuseName name = request.TakeName();
        Errno errno = Judge(parent, name, out ViewRule rule, out ViewAccess access);
        errno = errno == Errno.None ? Judge(old) : errno;
        errno = errno == Errno.None && old.Access != access ? Errno.EXDEV : errno;
        if (errno == Errno.None && access == ViewAccess.CopyOnWrite)
        {
            errno = LinkCopy(old, parent, name);
        }
        else if (errno == Errno.None)
        {
            errno = RealPath(parent, out int at);
            errno = errno == Errno.None ? LinkAt(old, at, name.Text) : errno;
        }

        errno = errno == Errno.None ? EnterNew(parent, name, rule, access, reply) : errno;
        Tree.Release(old);
        return errno;
    }

    /// <summary>
    /// Gives a node one more name; by /proc, as linkat(2) says for those without one.
    /// </summary>
    private Errno LinkAt(FuseNode node, int at, byte* name)
    {
        Errno errno = Tree.Path(node, out int fd);
        byte* old = stackalloc byte[DescriptorName.Length];
        DescriptorName.Write(fd < 0 ? 0 : fd, old);
        return errno != Errno.None ? errno
            : FuseCalls.Move(__NR_linkat, _proc, old, at, name, AT_SYMLINK_FOLLOW);
    }

    private Errno Remove(FuseNode parent, ref FuseRequest request, bool isDirectory)
    {
        FuseName name = request.TakeName();
        Errno errno = Judge(parent, name, out ViewRule rule, out ViewAccess access);
        if (errno != Errno.None)
        {
            return errno;
        }

        if (access == ViewAccess.CopyOnWrite)
        {
            return RemoveCopy(parent, name, rule, isDirectory);
        }

        errno = RealPath(parent, out int at);
        if (errno != Errno.None)
        {
            return errno;
        }

        FuseNode? victim = Hold(at, name.Text, rule, access, out _);
        errno = FuseCalls.Named(
            __NR_unlinkat, at, name.Text, isDirectory ? AT_REMOVEDIR : 0);
        LoseName(victim, errno, parent, name);
        return errno;
    }

    /// <summary>
    /// The node of a name, in use and with a descriptor by which it stays when the name goes;
    /// null: the kernel does not know it.
    /// </summary>
    private FuseNode? Hold(
        int at, byte* name, ViewRule rule, ViewAccess access, out statx found)
    {
        statx status = default;
        Errno errno = FuseCalls.Stat(at, name, &status);
        found = status;
        FuseNode? node = errno == Errno.None ? Tree.UseKnown(KeyOf(status, rule, access)) : null;
        if (node is not null)
        {
            Tree.Path(node, out _);
        }

        return node;
    }

    private static NodeKey KeyOf(in statx found, ViewRule rule, ViewAccess access) => new(
        FuseTree.Device(found), found.stx_ino,
        (found.stx_mode & S_IFMT) == S_IFDIR ? rule : null, access);

    private void LoseName(FuseNode? victim, Errno errno, FuseNode parent, FuseName name)
    {
        if (victim is not null && errno == Errno.None)
        {
            Tree.LoseName(victim, parent, name.Bytes);
        }

        Tree.Release(victim);
    }

    /// <summary>
    /// The real directory that a name is to change in; it may be among the copies only.
    /// </summary>
    private Errno RealPath(FuseNode parent, out int fd)
    {
        fd = -1;
        return parent.HasLower ? Tree.Path(parent, upper: false, out fd) : Errno.EROFS;
    }

    /// <summary>The mode of a new file: no set-ID bits.</summary>
    private static int NewMode(uint mode) => (int)(mode & ModeBits & ~(uint)(S_ISUID | S_ISGID));
}
