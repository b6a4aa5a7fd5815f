using System;
using System.Collections.Generic;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Files;

/// <summary>A file, or a directory, that is open.</summary>
public sealed class OpenFile : IDisposable
{
    private const int Piece = 64 * 1024;
    private const long Stretch = 8 << 20;
    private const int MostAttributes = 64 * 1024;
    private readonly byte[] _path;
    private readonly int? _mode;
    private int _fd;

    internal OpenFile(int fd, byte[] path, int? mode = null) =>
        (_fd, _path, _mode) = (fd, path, mode);

    /// <summary>The descriptor.</summary>
    public int Descriptor => _fd;

    /// <summary>What is known of it.</summary>
    public FileStatus Look()
    {
        Check("statx of", FileCalls.Stat(_fd, [0], out statx found));
        return FileStatus.From(found);
    }

    /// <summary>Whether two files hold the same bytes, from where they stand.</summary>
    public bool HasContentOf(OpenFile other)
    {
        byte[] ours = new byte[Piece];
        byte[] theirs = new byte[Piece];
        while (true)
        {
            int length = Fill(ours);
            if (length != other.Fill(theirs)
                || !ours.AsSpan(0, length).SequenceEqual(theirs.AsSpan(0, length)))
            {
                return false;
            }

            if (length < Piece)
            {
                return true;
            }
        }
    }

    /// <summary>All of it, up to a number of bytes; beyond it fails with EFBIG.</summary>
    public byte[] ReadAll(int most)
    {
        byte[] all = new byte[most + 1];
        int length = Fill(all);
        Check("read", length > most ? Errno.EFBIG : Errno.None);
        return all[..length];
    }

    /// <summary>Copies all of another file to here: copy_file_range(2), or by hand.</summary>
    /// <param name="from">The other.</param>
    /// <param name="onPiece">Called after each piece.</param>
    public void CopyFrom(OpenFile from, Action onPiece)
    {
        bool byKernel = true;
        byte[]? buffer = null;
        while (true)
        {
            long copied;
            if (byKernel)
            {
                Errno errno = FileCalls.Copy(from._fd, _fd, Stretch, out copied);
                byKernel = errno is not (Errno.EXDEV or Errno.EINVAL or Errno.ENOSYS
                    or Errno.EOPNOTSUPP or Errno.EPERM);
                Check("write to", byKernel && errno != Errno.EINTR ? errno : Errno.None);
                if (copied == 0 && errno == Errno.None)
                {
                    // Of files that only seem empty it copies nothing as well.
                    byKernel = false;
                    continue;
                }
            }
            else
            {
                buffer ??= new byte[Piece];
                copied = from.Fill(buffer);
                Write(buffer.AsSpan(0, (int)copied));
                if (copied == 0)
                {
                    return;
                }
            }

            onPiece();
        }
    }

    /// <summary>Writes all bytes.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Errno errno = Posix.Write(_fd, bytes, out int written);
            Check("write to", errno == Errno.EINTR ? Errno.None : errno);
            bytes = bytes[written..];
        }
    }

    /// <summary>The value of an extended attribute; null when it has none.</summary>
    public byte[]? Attribute(ReadOnlySpan<byte> name)
    {
        byte[] value = new byte[MostAttributes];
        Errno errno = FileCalls.GetAttribute(_fd, [.. name, 0], value, out int length);
        if (errno is Errno.ENODATA or Errno.EOPNOTSUPP)
        {
            return null;
        }

        Check("getxattr of", errno);
        return value[..length];
    }

    /// <summary>The names of its extended attributes: xattr(7).</summary>
    public List<byte[]> AttributeNames()
    {
        byte[] all = new byte[MostAttributes];
        Errno errno = FileCalls.ListAttributes(_fd, all, out int length);
        var names = new List<byte[]>();
        if (errno == Errno.EOPNOTSUPP)
        {
            return names;
        }

        Check("listxattr of", errno);
        ReadOnlySpan<byte> rest = all.AsSpan(0, length);
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)0);
            names.Add(rest[..end].ToArray());
            rest = rest[(end + 1)..];
        }

        return names;
    }

    /// <summary>Sets an extended attribute.</summary>
    public void SetAttribute(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        Check("setxattr of", FileCalls.SetAttribute(_fd, [.. name, 0], value));

    /// <summary>Sets owner and group, where they are others.</summary>
    public void GiveTo(uint user, uint group)
    {
        FileStatus now = Look();
        if (now.User != user || now.Group != group)
        {
            Check("chown of", FileCalls.ChangeOwner(_fd, user, group));
        }
    }

    /// <summary>fchmod(2).</summary>
    public void ChangeMode(int mode) => Check("chmod of", Posix.ChangeMode(_fd, mode));

    /// <summary>futimens(3).</summary>
    public void SetTimes(long time) => Check("utimensat of", FileCalls.SetTimes(_fd, [], time));

    /// <summary>fsync(2).</summary>
    public void Sync() => Check("fsync of", FileCalls.Sync(_fd));

    /// <summary>flock(2), until it is closed; false when another holds it.</summary>
    /// <param name="alone">Whether nobody else may hold it, not even to read.</param>
    public bool TryLock(bool alone)
    {
        Errno errno = FileCalls.Lock(_fd, alone ? LOCK_EX : LOCK_SH);
        Check("flock of", errno == Errno.EAGAIN ? Errno.None : errno);
        return errno == Errno.None;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_fd >= 0)
        {
            if (_mode is { } before)
            {
                Posix.ChangeMode(_fd, before);
            }

            Posix.Close(_fd);
            _fd = -1;
        }
    }

    private int Fill(Span<byte> into)
    {
        int filled = 0;
        int read = 1;
        while (read > 0 && filled < into.Length)
        {
            Errno errno = Posix.Read(_fd, into[filled..], out read);
            Check("read", errno == Errno.EINTR ? Errno.None : errno);
            read = errno == Errno.EINTR ? 1 : read;
            filled += errno == Errno.EINTR ? 0 : read;
        }

        return filled;
    }

    private void Check(string what, Errno errno)
    {
        if (errno != Errno.None)
        {
            throw new FileFailure(what, _path, errno);
        }
    }
}
