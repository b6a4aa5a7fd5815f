using System;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <content>
/// Extended attributes, xattr(7): those of users. Others give rights (security.capability), carry
/// ids that mean something else inside (system.posix_acl_access), or are an administrator's.
/// </content>
internal sealed unsafe partial class FuseFiles
{
    private const int LongestPath = 32;

    private static bool IsPassed(FuseNode node, ReadOnlySpan<byte> name) =>
        name.StartsWith("user."u8)
        && !(node.Access == ViewAccess.CopyOnWrite && name.StartsWith("user.overlay."u8));

    private Errno GetExtended(FuseNode node, ref FuseRequest request, FuseReply reply)
    {
        uint size = request.Take<fuse_getxattr_in>()->size;
        FuseName name = request.TakeText();
        if (!IsPassed(node, name.Bytes))
        {
            return Errno.EOPNOTSUPP;
        }

        byte* path = stackalloc byte[LongestPath];
        Errno errno = PathByProc(node, path);
        if (errno != Errno.None)
        {
            return errno;
        }

        nint into = size == 0 ? 0 : (nint)reply.Body;
        long length = FuseCalls.Count(
            __NR_getxattr, (nint)path, (nint)name.Text, into,
            size == 0 ? 0 : (nint)Math.Min(size, (uint)reply.Room));
        return SayLength(length, size, reply);
    }

    private Errno ListExtended(FuseNode node, ref FuseRequest request, FuseReply reply)
    {
        uint size = request.Take<fuse_getxattr_in>()->size;
        byte* path = stackalloc byte[LongestPath];
        Errno errno = PathByProc(node, path);
        if (errno != Errno.None)
        {
            return errno;
        }

        long length = FuseCalls.Count(
            __NR_listxattr, (nint)path, (nint)reply.Body, reply.Room);
        if (length < 0)
        {
            return Native.ErrnoOf(length);
        }

        // Each name has a zero byte behind it; those that are not passed are left out.
        int kept = 0;
        for (int at = 0; at < length;)
        {
            var rest = new ReadOnlySpan<byte>(reply.Body + at, (int)length - at);
            int end = rest.IndexOf((byte)0) + 1;
            if (end == 0)
            {
                break;
            }

            if (IsPassed(node, rest[..end]))
            {
                rest[..end].CopyTo(new Span<byte>(reply.Body + kept, end));
                kept += end;
            }

            at += end;
        }

        return size != 0 && kept > size ? Errno.ERANGE : SayLength(kept, size, reply);
    }

    private Errno SetExtended(FuseNode node, ref FuseRequest request)
    {
        // The short form of fuse_setxattr_in: FUSE_SETXATTR_EXT is not asked for.
        uint size = *(uint*)request.TakeBytes(sizeof(uint));
        uint flags = *(uint*)request.TakeBytes(sizeof(uint));
        FuseName name = request.TakeText();
        byte* value = request.TakeBytes(size);
        byte* path = stackalloc byte[LongestPath];
        Errno errno = MayChangeExtended(node, name, path);
        return errno != Errno.None ? errno : Native.ErrnoOf(FuseCalls.Count(
            __NR_setxattr, (nint)path, (nint)name.Text, (nint)value, (nint)size, (nint)flags));
    }

    private Errno RemoveExtended(FuseNode node, ref FuseRequest request)
    {
        FuseName name = request.TakeText();
        byte* path = stackalloc byte[LongestPath];
        Errno errno = MayChangeExtended(node, name, path);
        return errno != Errno.None ? errno : Native.ErrnoOf(FuseCalls.Count(
            __NR_removexattr, (nint)path, (nint)name.Text));
    }

    private Errno MayChangeExtended(FuseNode node, FuseName name, byte* path)
    {
        Errno errno = Judge(node);
        errno = errno == Errno.None && !IsPassed(node, name.Bytes) ? Errno.EOPNOTSUPP : errno;
        errno = errno == Errno.None && node.Type is not (S_IFREG or S_IFDIR)
            ? Errno.EPERM : errno;
        errno = errno == Errno.None ? CopyFirst(node, empty: false) : errno;
        return errno == Errno.None ? PathByProc(node, path) : errno;
    }

    /// <summary>Calls on attributes take no O_PATH descriptor, but its name in /proc.</summary>
    private Errno PathByProc(FuseNode node, byte* path)
    {
        Errno errno = Tree.Path(node, out int fd);
        PathByProc(Math.Max(fd, 0), path);
        return errno;
    }

    private static void PathByProc(int fd, byte* path)
    {
        ReadOnlySpan<byte> proc = "/proc/self/fd/"u8;
        proc.CopyTo(new Span<byte>(path, LongestPath));
        DescriptorName.Write(fd, path + proc.Length);
    }

    /// <summary>A length alone where the kernel asked with no room for more.</summary>
    private static Errno SayLength(long length, uint size, FuseReply reply)
    {
        if (length >= 0 && size == 0)
        {
            reply.Add<fuse_getxattr_out>()->size = (uint)length;
        }
        else if (length >= 0)
        {
            reply.Grow((int)length);
        }

        return Native.ErrnoOf(length);
    }
}
