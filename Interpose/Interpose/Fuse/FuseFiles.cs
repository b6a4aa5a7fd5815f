using System;
using System.Text;
using Interpose.Abi;
using Interpose.Files;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <summary>
/// What requests do: a directory of the host under <see cref="ViewRule"/>s. Each operation gives an
/// errno, or None and its answer in the <see cref="FuseReply"/>.
/// </summary>
/// <remarks>
/// A path never leads anywhere: the kernel asks for one component after the other, and each is
/// looked up below a descriptor without following what it may be a link to. So links and ".." are
/// the guest's kernel's, which resolves them inside the mount.
/// </remarks>
internal sealed unsafe partial class FuseFiles : IDisposable
{
    private const int MostDescriptors = 8192;
    private const long Second = 1_000_000_000;
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);
    private readonly FuseConnection _connection;
    private readonly FuseHandles _handles = new();
    private readonly FuseIds _users;
    private readonly FuseIds _groups;
    private readonly bool _isReadOnly;
    private readonly bool _hasCopies;
    private readonly long _lifetime;
    private readonly long _absentLifetime;
    private readonly int _proc;
    private readonly int _work;

    /// <summary>Opens what it takes.</summary>
    /// <exception cref="FileFailure">The directory cannot be served.</exception>
    public FuseFiles(FuseServerOptions options, FuseConnection connection)
    {
        _connection = connection;
        _isReadOnly = options.Mode == FuseMode.ReadOnly;
        _hasCopies = options.Upper >= 0 && !_isReadOnly;
        (_users, _groups) = (new(options.Users), new(options.Groups));
        TimeSpan lifetime = options.Lifetime ?? (_isReadOnly ? Long : Short);
        _lifetime = lifetime.Ticks * TimeSpan.NanosecondsPerTick;
        _absentLifetime =
            (options.AbsentLifetime ?? lifetime).Ticks * TimeSpan.NanosecondsPerTick;
        Check(Posix.Open("/proc/self/fd", O_PATH | O_DIRECTORY, out _proc), "/proc/self/fd");
        int lower = Duplicate(options.Root, "the served directory");
        int upper = _hasCopies ? Duplicate(options.Upper, "the upper directory") : -1;
        _work = _hasCopies ? Duplicate(options.Work, "the work directory") : -1;
        statx root;
        Check(FuseCalls.Stat(lower, null, &root), "the served directory");
        Check(
            (root.stx_mode & S_IFMT) == S_IFDIR ? Errno.None : Errno.ENOTDIR,
            "the served directory");
        IsOnOverlay = IsOverlay(lower);
        Tree = new(
            lower, upper, root, options.Rule, InForce(options.Rule),
            options.Descriptors > 0 ? options.Descriptors : DefaultDescriptors());
    }

    /// <summary>The nodes that the kernel knows.</summary>
    public FuseTree Tree { get; }

    /// <summary>The handles that it has.</summary>
    public FuseHandles Handles => _handles;

    /// <summary>Whether what is served is an overlay itself.</summary>
    public bool IsOnOverlay { get; }

    /// <summary>Carries out a request that is answered.</summary>
    public Errno Serve(ref FuseRequest request, FuseReply reply)
    {
        FuseNode? node = Tree.Use(request.Header->nodeid);
        if (node is null)
        {
            return Errno.ESTALE;
        }

        try
        {
            return (int)request.Header->opcode switch
            {
                FUSE_LOOKUP => Lookup(node, ref request, reply),
                FUSE_GETATTR => GetAttributes(node, ref request, reply),
                FUSE_READ => Read(node, ref request, reply),
                FUSE_WRITE => Write(node, ref request, reply),
                FUSE_OPEN => Open(node, ref request, reply),
                FUSE_RELEASE or FUSE_RELEASEDIR => Release(ref request),
                FUSE_OPENDIR => OpenDirectory(node, reply),
                FUSE_READDIR => ReadDirectory(node, ref request, reply, plus: false),
                FUSE_READDIRPLUS => ReadDirectory(node, ref request, reply, plus: true),
                FUSE_READLINK => ReadLink(node, reply),
                FUSE_STATX => GetStatx(node, ref request, reply),
                FUSE_SETATTR => SetAttributes(node, ref request, reply),
                FUSE_CREATE => Create(node, ref request, reply),
                FUSE_MKNOD => MakeNode(node, ref request, reply),
                FUSE_MKDIR => MakeDirectory(node, ref request, reply),
                FUSE_SYMLINK => MakeLink(node, ref request, reply),
                FUSE_LINK => Link(node, ref request, reply),
                FUSE_TMPFILE => MakeNameless(node, ref request, reply),
                FUSE_UNLINK => Remove(node, ref request, isDirectory: false),
                FUSE_RMDIR => Remove(node, ref request, isDirectory: true),
                FUSE_RENAME => Rename(node, request.Take<fuse_rename_in>()->newdir, 0, ref request),
                FUSE_RENAME2 => Rename(node, ref request),
                FUSE_FSYNC or FUSE_FSYNCDIR => Synchronize(node, ref request),
                FUSE_FALLOCATE => Allocate(node, ref request),
                FUSE_LSEEK => Seek(node, ref request, reply),
                FUSE_COPY_FILE_RANGE => Copy(node, ref request, reply, isLong: false),
                FUSE_COPY_FILE_RANGE_64 => Copy(node, ref request, reply, isLong: true),
                FUSE_GETXATTR => GetExtended(node, ref request, reply),
                FUSE_LISTXATTR => ListExtended(node, ref request, reply),
                FUSE_SETXATTR => SetExtended(node, ref request),
                FUSE_REMOVEXATTR => RemoveExtended(node, ref request),
                FUSE_STATFS => GetFileSystem(node, reply),
                FUSE_ACCESS => Access(node, ref request),
                _ => Errno.ENOSYS,
            };
        }
        finally
        {
            Tree.Release(node);
        }
    }

    /// <summary>
    /// The kernel did not take an answer: what it would know by it is forgotten again.
    /// </summary>
    public void TakeBack(FuseReply reply)
    {
        if (reply.Handle is { } handle)
        {
            Close(handle);
        }

        if (reply.Entry is { } entry)
        {
            Tree.Forget(entry.Id, 1);
        }

        if (reply.IsListing)
        {
            ForgetListing(reply);
        }

        (reply.Handle, reply.Entry, reply.IsListing) = (null, null, false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _handles.Dispose();
        Tree.Dispose();
        Posix.Close(_proc);
        if (_work >= 0)
        {
            Posix.Close(_work);
        }
    }

    /// <summary>What of a rule is in force here.</summary>
    private ViewAccess InForce(ViewRule rule) => rule.Access switch
    {
        ViewAccess.Hide or ViewAccess.Deny => rule.Access,
        ViewAccess.CopyOnWrite when _hasCopies => ViewAccess.CopyOnWrite,
        ViewAccess.ReadWrite when !_isReadOnly => ViewAccess.ReadWrite,
        _ => ViewAccess.ReadOnly,
    };

    /// <summary>What keeps guests from changing a name: its rule's errno, or None.</summary>
    private Errno Judge(FuseNode parent, FuseName name, out ViewRule rule, out ViewAccess access)
    {
        rule = parent.Rule.Child(name.Bytes);
        access = InForce(rule);
        return FuseRequest.IsTooLong(name) ? Errno.ENAMETOOLONG
            : access is ViewAccess.ReadWrite or ViewAccess.CopyOnWrite ? Errno.None
            : Refusal(rule, access);
    }

    /// <summary>What keeps guests from changing a node, or None.</summary>
    private static Errno Judge(FuseNode node) =>
        node.Access is ViewAccess.ReadWrite or ViewAccess.CopyOnWrite ? Errno.None
        : Refusal(node.Rule, node.Access);

    /// <summary>A rule that would allow it, where the mode does not, has no errno for it.</summary>
    private static Errno Refusal(ViewRule rule, ViewAccess access) =>
        rule.Access == access ? rule.Refusal : Errno.EROFS;

    /// <summary>The limit of this process is raised to the most that it may have.</summary>
    private static int DefaultDescriptors()
    {
        const int own = 2;
        Posix.Prlimit(new(0), RLIMIT_NOFILE, null, out rlimit64 limit);
        limit.rlim_cur = limit.rlim_max;
        Posix.Prlimit(new(0), RLIMIT_NOFILE, limit, out _);
        return (int)Math.Min(limit.rlim_cur / own, MostDescriptors);
    }

    private static bool IsOverlay(int fd)
    {
        // SAFETY: struct statfs is 15 words, of which the first is the type.
        long* system = stackalloc long[15];
        return FuseCalls.Of(__NR_fstatfs, fd, (nint)system) == Errno.None
            && system[0] == OVERLAYFS_SUPER_MAGIC;
    }

    private static int Duplicate(int fd, string what)
    {
        long copy = Native.Quick(__NR_fcntl, fd, F_DUPFD_CLOEXEC, 0);
        Check(Native.ErrnoOf(copy), what);
        return (int)copy;
    }

    private static void Check(Errno errno, string what)
    {
        if (errno != Errno.None)
        {
            throw new FileFailure("serve", Encoding.UTF8.GetBytes(what), errno);
        }
    }
}
