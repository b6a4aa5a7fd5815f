using System;
using System.Threading;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <content>Descriptors of nodes: opened when needed, closed when there are too many.</content>
internal sealed unsafe partial class FuseTree
{
    private const int LongestName = 255;
    private const int DeepestTree = 6000;
    private const int MostLooked = 512;

    /// <summary>
    /// An O_PATH descriptor of a node that is in use, as long as it is. ESTALE: its name stands for
    /// something else now.
    /// </summary>
    /// <param name="node">In use.</param>
    /// <param name="upper">Of its copy, or of the real file.</param>
    /// <param name="fd">The tree's.</param>
    public Errno Path(FuseNode node, bool upper, out int fd) => Path(node, upper, 0, out fd);

    /// <summary>The same of what counts: the copy where there is one.</summary>
    public Errno Path(FuseNode node, out int fd) => Path(node, node.HasUpper, out fd);

    /// <summary>What a node is now; with or without opening it.</summary>
    public Errno Stat(FuseNode node, statx* into)
    {
        bool upper = node.HasUpper;
        int held = Volatile.Read(ref upper ? ref node.Upper : ref node.Lower);
        Errno errno;
        if (held >= 0)
        {
            errno = FuseCalls.Stat(held, null, into);
        }
        else
        {
            byte* name = stackalloc byte[LongestName + 1];
            errno = PathOfParent(node, upper, 0, name, out FuseNode? parent, out int at);
            errno = errno == Errno.None ? FuseCalls.Stat(at, name, into) : errno;
            Release(parent);
            errno = errno == Errno.None ? CheckSame(node, upper, *into)
                : errno is Errno.ENOENT or Errno.ENOTDIR ? Errno.ESTALE : errno;
        }

        node.HasSetId = errno == Errno.None && HasSetId(*into);
        return errno;
    }

    /// <summary>A descriptor to read a file that nobody opened; of a node in use.</summary>
    /// <param name="node">In use.</param>
    /// <param name="proc">/proc/self/fd.</param>
    /// <param name="fd">The tree's.</param>
    public Errno Data(FuseNode node, int proc, out int fd)
    {
        fd = Volatile.Read(ref node.Data);
        if (fd >= 0)
        {
            return Errno.None;
        }

        Errno errno = Path(node, out int path);
        if (errno != Errno.None)
        {
            return errno;
        }

        byte* name = stackalloc byte[DescriptorName.Length];
        DescriptorName.Write(path, name);
        errno = FuseCalls.Reopen(proc, name, O_RDONLY | O_NONBLOCK, out int opened);
        fd = errno == Errno.None ? Keep(ref node.Data, opened) : -1;
        return errno;
    }

    /// <summary>Where a node is: its parent, in use, and its name there; null: nowhere.</summary>
    /// <param name="node">In use.</param>
    /// <param name="name">Room for a name and its zero byte.</param>
    public FuseNode? PlaceOf(FuseNode node, Span<byte> name)
    {
        lock (_lock)
        {
            FuseNode? parent = node.IsNameless ? null : node.Parent;
            if (parent is not null)
            {
                parent.Uses++;
                new ReadOnlySpan<byte>(node.Name, node.NameLength + 1).CopyTo(name);
            }

            return parent;
        }
    }

    /// <summary>Takes over a descriptor of a node in use; gives the one that it has then.</summary>
    public int Keep(FuseNode node, bool upper, int fd) =>
        Keep(ref upper ? ref node.Upper : ref node.Lower, fd);

    private int Keep(ref int held, int fd)
    {
        int before = Interlocked.CompareExchange(ref held, fd, -1);
        if (before >= 0)
        {
            Posix.Close(fd);
            return before;
        }

        if (Interlocked.Increment(ref _descriptors) > _mostDescriptors)
        {
            CloseSome();
        }

        return fd;
    }

    private Errno Path(FuseNode node, bool upper, int depth, out int fd)
    {
        fd = Volatile.Read(ref upper ? ref node.Upper : ref node.Lower);
        if (fd >= 0)
        {
            return Errno.None;
        }

        byte* name = stackalloc byte[LongestName + 1];
        Errno errno = PathOfParent(node, upper, depth, name, out FuseNode? parent, out int at);
        errno = errno == Errno.None
            ? FuseCalls.Open(at, name, O_PATH | O_NOFOLLOW, 0, out fd) : errno;
        Release(parent);
        if (errno == Errno.None)
        {
            statx found;
            errno = FuseCalls.Stat(fd, null, &found);
            errno = errno == Errno.None ? CheckSame(node, upper, found) : errno;
            if (errno == Errno.None)
            {
                fd = Keep(node, upper, fd);
            }
            else
            {
                Posix.Close(fd);
            }
        }

        return errno is Errno.ENOENT or Errno.ENOTDIR ? Errno.ESTALE : errno;
    }

    /// <summary>Where a node is: a descriptor of its parent, in use, and its name there.</summary>
    private Errno PathOfParent(
        FuseNode node, bool upper, int depth, byte* name, out FuseNode? parent, out int fd)
    {
        fd = -1;
        parent = depth > DeepestTree ? null : PlaceOf(node, new(name, LongestName + 1));
        if (parent is null)
        {
            return Errno.ESTALE;
        }

        return Path(parent, upper, depth + 1, out fd);
    }

    /// <summary>Of a directory in both trees, the key is that of the real one.</summary>
    private static Errno CheckSame(FuseNode node, bool upper, in statx found)
    {
        bool isSame = upper && node.HasLower && node.Type == S_IFDIR
            ? (found.stx_mode & S_IFMT) == S_IFDIR
            : found.stx_ino == node.Key.Inode && Device(found) == node.Key.Device
                && ((uint)found.stx_mode & S_IFMT) == node.Type;
        return isSame ? Errno.None : Errno.ESTALE;
    }

    /// <summary>
    /// The hand of a clock goes round: what was not used since it came by is closed.
    /// </summary>
    private void CloseSome()
    {
        lock (_lock)
        {
            for (int i = 0; i < MostLooked && _descriptors > _mostDescriptors; i++)
            {
                _hand = _hand + 1 < _count ? _hand + 1 : FUSE_ROOT_ID + 1;
                if (_hand >= _count)
                {
                    return;
                }

                FuseNode node = _nodes[_hand];
                if (node.IsRecent)
                {
                    node.IsRecent = false;
                }
                else if (node.Uses == 0 && !node.IsNameless && node.Handles == 0)
                {
                    CloseAll(node);
                }
            }
        }
    }
}
