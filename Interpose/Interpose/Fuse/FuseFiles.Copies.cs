using System;
using System.Threading;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <content>
/// Copies of what is changed, in a directory as overlayfs keeps its upper one with
/// <c>userxattr</c>: a character device 0:0 stands for a name that was removed, user.overlay.opaque
/// for a directory that has nothing of the real one, user.overlay.origin for a copy.
/// </content>
internal sealed unsafe partial class FuseFiles
{
    /// <summary>Held by whoever changes names in the upper directory.</summary>
    private readonly Lock _copies = new();
    private ulong _made;

    /// <summary>What a name in a directory of two trees is.</summary>
    private enum Layer
    {
        /// <summary>Nowhere.</summary>
        None,

        /// <summary>Removed: the upper directory says so.</summary>
        Whiteout,

        /// <summary>A real file that has no copy.</summary>
        Lower,

        /// <summary>Among the copies.</summary>
        Upper,

        /// <summary>A directory in both trees.</summary>
        Both,
    }

    private static bool IsWhiteout(in statx status) =>
        (status.stx_mode & S_IFMT) == S_IFCHR && status.stx_rdev_major == 0
        && status.stx_rdev_minor == 0;

    /// <summary>Where a name is, and what it is in each tree.</summary>
    /// <param name="parent">The directory, in use.</param>
    /// <param name="name">The name in it.</param>
    /// <param name="upper">What it is among the copies.</param>
    /// <param name="lower">What it is in the real tree, where the directory shows that.</param>
    /// <param name="layer">Which of them counts.</param>
    private Errno LookAt(
        FuseNode parent, FuseName name, statx* upper, statx* lower, out Layer layer)
    {
        layer = Layer.None;
        (*upper, *lower) = (default, default);
        Errno errno = Errno.ENOENT;
        if (parent.HasUpper)
        {
            errno = Tree.Path(parent, upper: true, out int up);
            errno = errno == Errno.None ? FuseCalls.Stat(up, name.Text, upper) : errno;
            if (errno == Errno.None)
            {
                layer = IsWhiteout(*upper) ? Layer.Whiteout : Layer.Upper;
            }
        }

        if (errno is not (Errno.None or Errno.ENOENT) || !parent.HasLower)
        {
            return errno == Errno.ENOENT ? Errno.None : errno;
        }

        errno = Tree.Path(parent, upper: false, out int down);
        errno = errno == Errno.None ? FuseCalls.Stat(down, name.Text, lower) : errno;
        if (errno == Errno.None && layer == Layer.None)
        {
            layer = Layer.Lower;
        }
        else if (errno == Errno.None && layer == Layer.Upper && IsDirectory(*upper)
            && IsDirectory(*lower) && !IsOpaque(parent, name))
        {
            layer = Layer.Both;
        }

        return errno == Errno.ENOENT ? Errno.None : errno;
    }

    private static bool IsDirectory(in statx status) => (status.stx_mode & S_IFMT) == S_IFDIR;

    private bool IsOpaque(FuseNode parent, FuseName name)
    {
        if (Tree.Path(parent, upper: true, out int up) != Errno.None
            || FuseCalls.Open(up, name.Text, O_PATH | O_NOFOLLOW, 0, out int fd) != Errno.None)
        {
            return true;
        }

        byte* path = stackalloc byte[LongestPath];
        PathByProc(fd, path);
        byte* value = stackalloc byte[1];
        fixed (byte* opaque = "user.overlay.opaque"u8)
        {
            long length = FuseCalls.Count(
                __NR_getxattr, (nint)path, (nint)opaque, (nint)value, 1);
            Posix.Close(fd);
            return length == 1 && *value == (byte)'y';
        }
    }

    private Errno FindCopy(
        FuseNode parent, FuseName name, ViewRule rule, statx* found, out FuseNode? node)
    {
        statx upper;
        statx lower;
        node = null;
        Errno errno = LookAt(parent, name, &upper, &lower, out Layer layer);
        if (errno != Errno.None || layer is Layer.None or Layer.Whiteout)
        {
            return errno == Errno.None ? Errno.ENOENT : errno;
        }

        bool inUpper = layer == Layer.Upper;
        *found = layer == Layer.Lower ? lower : upper;
        node = Tree.Remember(
            parent, name.Bytes, inUpper ? upper : lower, rule, ViewAccess.CopyOnWrite, inUpper);
        node.HasUpper |= layer == Layer.Both;
        return Errno.None;
    }

    /// <summary>
    /// Whether a name can be made: it is not there, or was removed. Over a whiteout a file is made
    /// in the work directory and then put in its place.
    /// </summary>
    /// <param name="parent">Where.</param>
    /// <param name="name">The name.</param>
    /// <param name="up">The upper directory of the parent.</param>
    /// <param name="overWhiteout">Whether a removed name is made anew.</param>
    private Errno MayMake(FuseNode parent, FuseName name, out int up, out bool overWhiteout)
    {
        statx upper;
        statx lower;
        overWhiteout = false;
        up = -1;
        Errno errno = LookAt(parent, name, &upper, &lower, out Layer layer);
        if (errno == Errno.None && layer is not (Layer.None or Layer.Whiteout))
        {
            return Errno.EEXIST;
        }

        overWhiteout = layer == Layer.Whiteout;
        return errno == Errno.None ? UpperPath(parent, out up) : errno;
    }

    private Errno CreateCopy(
        FuseNode parent, FuseName name, int flags, int mode, fuse_in_header* caller, out int fd)
    {
        fd = -1;
        byte* temporary = stackalloc byte[TemporaryLength];
        lock (_copies)
        {
            Errno errno = MayMake(parent, name, out int up, out bool overWhiteout);
            if (errno != Errno.None)
            {
                return errno;
            }

            NameTemporary(temporary);
            byte* made = overWhiteout ? temporary : name.Text;
            int at = overWhiteout ? _work : up;
            errno = FuseCalls.Open(
                at, made, (flags & (int)KeptFlags) | O_CREAT | O_EXCL | O_NOFOLLOW, mode, out fd);
            if (errno != Errno.None)
            {
                return errno;
            }

            errno = Give(parent, fd, caller);
            errno = errno == Errno.None && overWhiteout
                ? FuseCalls.Move(__NR_renameat2, _work, temporary, up, name.Text, 0) : errno;
            _ = errno == Errno.None ? errno : FuseCalls.Named(__NR_unlinkat, at, made);
            return errno;
        }
    }

    private Errno MakeCopy(
        FuseNode parent, FuseName name, NewFile file, fuse_in_header* caller)
    {
        byte* temporary = stackalloc byte[TemporaryLength];
        lock (_copies)
        {
            Errno errno = MayMake(parent, name, out int up, out bool overWhiteout);
            if (errno != Errno.None)
            {
                return errno;
            }

            NameTemporary(temporary);
            byte* made = overWhiteout ? temporary : name.Text;
            int at = overWhiteout ? _work : up;
            errno = file.MakeAt(at, made);
            errno = errno == Errno.None
                ? GiveNamed(parent, at, made, file.IsDirectory, caller) : errno;
            if (errno != Errno.None || !overWhiteout)
            {
                return errno;
            }

            errno = file.IsDirectory ? MakeOpaque(_work, temporary) : Errno.None;
            errno = errno == Errno.None ? FuseCalls.Move(
                __NR_renameat2, _work, temporary, up, name.Text,
                file.IsDirectory ? RENAME_EXCHANGE : 0u) : errno;

            // What is left there is the whiteout, or what could not be put in its place.
            if (errno != Errno.None || file.IsDirectory)
            {
                bool isLeft = errno != Errno.None && file.IsDirectory;
                FuseCalls.Named(__NR_unlinkat, _work, temporary, isLeft ? AT_REMOVEDIR : 0);
            }

            return errno;
        }
    }

    private Errno LinkCopy(FuseNode old, FuseNode parent, FuseName name)
    {
        byte* temporary = stackalloc byte[TemporaryLength];
        Errno errno = CopyFirst(old, empty: false);
        if (errno != Errno.None)
        {
            return errno;
        }

        lock (_copies)
        {
            errno = MayMake(parent, name, out int up, out bool overWhiteout);
            if (errno != Errno.None || !overWhiteout)
            {
                return errno == Errno.None ? LinkAt(old, up, name.Text) : errno;
            }

            NameTemporary(temporary);
            errno = LinkAt(old, _work, temporary);
            errno = errno == Errno.None
                ? FuseCalls.Move(__NR_renameat2, _work, temporary, up, name.Text, 0) : errno;
            _ = errno == Errno.None ? errno : FuseCalls.Named(__NR_unlinkat, _work, temporary);
            return errno;
        }
    }

    /// <summary>A directory has nothing of the real one of its name from now on.</summary>
    private static Errno MakeOpaque(int at, byte* name)
    {
        Errno errno = FuseCalls.Open(at, name, O_PATH | O_NOFOLLOW, 0, out int fd);
        if (errno == Errno.None)
        {
            errno = Mark(fd, "user.overlay.opaque"u8, "y"u8);
            Posix.Close(fd);
        }

        return errno;
    }

    /// <summary>Sets an attribute of what a descriptor stands for.</summary>
    private static Errno Mark(int fd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        byte* path = stackalloc byte[LongestPath];
        PathByProc(fd, path);
        fixed (byte* attribute = name, bytes = value)
        {
            return Native.ErrnoOf(FuseCalls.Count(
                __NR_setxattr, (nint)path, (nint)attribute, (nint)bytes, value.Length));
        }
    }

    private const int TemporaryLength = 24;

    /// <summary>A name in the work directory that nothing has.</summary>
    private void NameTemporary(byte* into)
    {
        const int bits = 4;
        ulong number = Interlocked.Increment(ref _made);
        int at = 0;
        into[at++] = (byte)'#';
        for (ulong rest = number; rest != 0; rest >>= bits)
        {
            into[at++] = (byte)('a' + (int)(rest & 0xf));
        }

        into[at] = 0;
    }
}
