using System;
using System.Collections.Generic;
using System.Text;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Files;

/// <summary>
/// A directory by its descriptor. No name leads out of it: links are not followed, other mounts
/// not entered (openat2(2), RESOLVE_BENEATH, NO_SYMLINKS, NO_XDEV).
/// </summary>
public sealed partial class Folder : IDisposable
{
    private const int Entries = 32 * 1024;
    private const int HeaderSize = 19;
    private readonly byte[] _path;
    private int _fd;

    private Folder(int fd, byte[] path) => (_fd, _path) = (fd, path);

    /// <summary>The descriptor.</summary>
    public int Descriptor => _fd;

    /// <summary>What is known of the directory itself.</summary>
    public FileStatus Look() => TryStat([]) ?? throw Failed("statx of", [], Errno.ENOENT);

    /// <summary>Opens a directory by its path from the root.</summary>
    /// <exception cref="FileFailure">It is no directory, or a link is on the way.</exception>
    public static Folder Open(string path)
    {
        byte[] name = Encoding.UTF8.GetBytes(path);
        Errno errno = FileCalls.OpenPlain(Zero(name), O_RDONLY | O_DIRECTORY, out int fd);
        return errno == Errno.None ? new(fd, name) : throw new FileFailure("open", name, errno);
    }

    /// <summary>Opens a directory below this one; the empty path is this one.</summary>
    public Folder Enter(ReadOnlySpan<byte> path)
    {
        Errno errno = FileCalls.OpenWithin(
            _fd, path.IsEmpty ? Zero("."u8) : Zero(path), O_RDONLY | O_DIRECTORY, 0, out int fd);
        return errno == Errno.None ? new(fd, PathOf(path)) : throw Failed("open", path, errno);
    }

    /// <summary>
    /// What a name in this directory stands for; null when there is none. The empty name is the
    /// directory itself.
    /// </summary>
    public FileStatus? TryStat(ReadOnlySpan<byte> name)
    {
        Errno errno = FileCalls.Stat(_fd, Zero(name), out statx found);
        return errno == Errno.None ? FileStatus.From(found)
            : errno == Errno.ENOENT ? null : throw Failed("statx of", name, errno);
    }

    /// <summary>All names, in the order of their bytes.</summary>
    /// <param name="most">With more it fails with E2BIG.</param>
    public unsafe List<byte[]> Names(int most)
    {
        var names = new List<byte[]>();
        byte[] buffer = new byte[Entries];
        int read;
        do
        {
            Errno errno = FileCalls.ReadEntries(_fd, buffer, out read);
            if (errno != Errno.None || names.Count > most)
            {
                throw Failed("read", [], errno == Errno.None ? Errno.E2BIG : errno);
            }

            for (int at = 0; at < read; at += BitConverter.ToUInt16(buffer, at + 16))
            {
                // struct linux_dirent64: the name is behind two words, a short and a byte.
                ReadOnlySpan<byte> rest = buffer.AsSpan(at + HeaderSize, read - at - HeaderSize);
                ReadOnlySpan<byte> name = rest[..rest.IndexOf((byte)0)];
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                {
                    names.Add(name.ToArray());
                }
            }
        }
        while (read > 0);

        names.Sort(PathText.Order);
        return names;
    }

    /// <summary>Where a symbolic link leads.</summary>
    public byte[] LinkOf(ReadOnlySpan<byte> name)
    {
        byte[] target = new byte[PATH_MAX];
        Errno errno = FileCalls.ReadLink(_fd, Zero(name), target, out int read);
        return errno == Errno.None ? target[..read] : throw Failed("readlink of", name, errno);
    }

    /// <summary>
    /// Opens a file to read, which must be known to be a regular one.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="mode">
    /// Of a file of ours: its mode. One that its owner cannot read is made readable meanwhile.
    /// </param>
    public OpenFile Read(ReadOnlySpan<byte> name, int? mode = null)
    {
        const int flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW;
        const int ofOwner = 0x180;
        Errno errno = FileCalls.OpenWithin(_fd, Zero(name), flags, 0, out int fd);
        bool isClosed = errno == Errno.EACCES && mode is not null
            && ChangeMode(name, ofOwner) == Errno.None;
        if (isClosed)
        {
            errno = FileCalls.OpenWithin(_fd, Zero(name), flags, 0, out fd);
        }

        return errno == Errno.None ? new(fd, PathOf(name), isClosed ? mode : null)
            : throw Failed("open", name, errno);
    }

    /// <summary>Makes a file, which must not be there; only this user can read it.</summary>
    public OpenFile Make(ReadOnlySpan<byte> name)
    {
        Errno errno = FileCalls.OpenWithin(
            _fd, Zero(name), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0x180, out int fd);
        return errno == Errno.None ? new(fd, PathOf(name)) : throw Failed("create", name, errno);
    }

    /// <summary>Makes a directory that only this user can use.</summary>
    public void MakeDirectory(ReadOnlySpan<byte> name) => Check(
        "mkdir of", name, FileCalls.Named(__NR_mkdirat, _fd, Zero(name), 0x1c0));

    /// <summary>Makes a symbolic link.</summary>
    public void MakeLink(ReadOnlySpan<byte> name, ReadOnlySpan<byte> target) => Check(
        "symlink of", name, FileCalls.MakeLink(Zero(target), _fd, Zero(name)));

    /// <summary>Gives a file of another directory a name here as well.</summary>
    public void AddName(ReadOnlySpan<byte> name, Folder from, ReadOnlySpan<byte> other) => Check(
        "link of", name,
        FileCalls.Move(__NR_linkat, from._fd, Zero(other), _fd, Zero(name), 0));

    /// <summary>renameat2(2) within this directory.</summary>
    /// <param name="name">What is there.</param>
    /// <param name="to">
    /// Its new name, which must be free; with <paramref name="exchange"/> it must be there.
    /// </param>
    /// <param name="exchange">Whether the two change places.</param>
    public Errno TryRename(ReadOnlySpan<byte> name, ReadOnlySpan<byte> to, bool exchange) =>
        FileCalls.Move(
            __NR_renameat2, _fd, Zero(name), _fd, Zero(to),
            exchange ? RENAME_EXCHANGE : RENAME_NOREPLACE);

    /// <summary>Renames, in place of what has the new name.</summary>
    public void Replace(ReadOnlySpan<byte> name, ReadOnlySpan<byte> to) => Check(
        "rename to", to, FileCalls.Move(__NR_renameat2, _fd, Zero(name), _fd, Zero(to), 0));

    /// <summary>fchownat(2), not following a link.</summary>
    public void ChangeOwner(ReadOnlySpan<byte> name, uint user, uint group) => Check(
        "chown of", name, FileCalls.Named(
            __NR_fchownat, _fd, Zero(name), (nint)user, (nint)group, AT_SYMLINK_NOFOLLOW));

    /// <summary>utimensat(2), not following a link: nanoseconds since the epoch.</summary>
    public void SetTimes(ReadOnlySpan<byte> name, long time) =>
        Check("utimensat of", name, FileCalls.SetTimes(_fd, Zero(name), time));

    /// <summary>fchmodat(2) of what is known to be no symbolic link.</summary>
    public Errno ChangeMode(ReadOnlySpan<byte> name, int mode) =>
        FileCalls.Named(__NR_fchmodat, _fd, Zero(name), mode);

    /// <summary>This directory as a file, for what both have.</summary>
    public OpenFile AsFile()
    {
        Errno errno = FileCalls.OpenWithin(_fd, Zero("."u8), O_RDONLY | O_DIRECTORY, 0, out int fd);
        return errno == Errno.None ? new(fd, _path) : throw Failed("open", [], errno);
    }

    /// <summary>Its entries are on the disk: fsync(2).</summary>
    public void Sync() => Check("fsync of", [], FileCalls.Sync(_fd));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_fd >= 0)
        {
            Posix.Close(_fd);
            _fd = -1;
        }
    }

    private static byte[] Zero(ReadOnlySpan<byte> name) => [.. name, 0];

    private byte[] PathOf(ReadOnlySpan<byte> name) =>
        name.IsEmpty ? _path : PathText.Join(_path, name);

    private FileFailure Failed(string what, ReadOnlySpan<byte> name, Errno errno) =>
        new(what, PathOf(name), errno);

    private void Check(string what, ReadOnlySpan<byte> name, Errno errno)
    {
        if (errno != Errno.None)
        {
            throw Failed(what, name, errno);
        }
    }
}
