using System;
using System.Collections.Generic;
using System.Text;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Tests.Fuse;

/// <summary>System calls by paths: a result, or -errno.</summary>
internal static unsafe class Sys
{
    public static long Open(string path, int flags, int mode = 0x1b6)
    {
        fixed (byte* name = Zero(path))
        {
            return Native.Blocking(
                __NR_openat, AT_FDCWD, (nint)name, flags | O_CLOEXEC, mode, 0, 0);
        }
    }

    public static void Close(long fd) => Posix.Close((int)fd);

    public static Errno Named(int call, string path, nint a = 0, nint b = 0, nint c = 0)
    {
        fixed (byte* name = Zero(path))
        {
            return Native.ErrnoOf(Native.Blocking(call, AT_FDCWD, (nint)name, a, b, c, 0));
        }
    }

    /// <summary>A call whose first argument is the path.</summary>
    public static long Direct(int call, string path, nint a = 0, nint b = 0, nint c = 0, nint d = 0)
    {
        fixed (byte* name = Zero(path))
        {
            return Native.Blocking(call, (nint)name, a, b, c, d, 0);
        }
    }

    public static Errno Two(int call, string from, string to, nint flags = 0)
    {
        fixed (byte* old = Zero(from), name = Zero(to))
        {
            return Native.ErrnoOf(Native.Blocking(
                call, AT_FDCWD, (nint)old, AT_FDCWD, (nint)name, flags, 0));
        }
    }

    public static Errno Rename(string from, string to, uint flags = 0) =>
        Two(__NR_renameat2, from, to, (nint)flags);

    public static Errno Link(string from, string to) => Two(__NR_linkat, from, to);

    public static Errno Symlink(string target, string path)
    {
        fixed (byte* old = Zero(target), name = Zero(path))
        {
            return Native.ErrnoOf(Native.Blocking(
                __NR_symlinkat, (nint)old, AT_FDCWD, (nint)name, 0, 0, 0));
        }
    }

    public static Errno Unlink(string path, bool directory = false) =>
        Named(__NR_unlinkat, path, directory ? AT_REMOVEDIR : 0);

    public static Errno MakeDirectory(string path, int mode = 0x1ff) =>
        Named(__NR_mkdirat, path, mode);

    public static Errno Stat(string path, out statx found)
    {
        statx status = default;
        Errno errno;
        fixed (byte* name = Zero(path))
        {
            errno = FuseCalls.Stat(AT_FDCWD, name, &status);
        }

        found = status;
        return errno;
    }

    public static statx StatOf(long fd)
    {
        statx status = default;
        Assert.Equal(Errno.None, FuseCalls.Stat((int)fd, null, &status));
        return status;
    }

    public static long Read(long fd, Span<byte> into, long at)
    {
        fixed (byte* bytes = into)
        {
            return Native.Blocking(
                __NR_pread64, (nint)fd, (nint)bytes, into.Length, (nint)at, 0, 0);
        }
    }

    public static long Write(long fd, ReadOnlySpan<byte> from, long at)
    {
        fixed (byte* bytes = from)
        {
            return Native.Blocking(
                __NR_pwrite64, (nint)fd, (nint)bytes, from.Length, (nint)at, 0, 0);
        }
    }

    public static long Append(long fd, ReadOnlySpan<byte> from)
    {
        fixed (byte* bytes = from)
        {
            return Native.Blocking(__NR_write, (nint)fd, (nint)bytes, from.Length, 0, 0, 0);
        }
    }

    public static long Of(int call, long fd, nint a = 0, nint b = 0, nint c = 0) =>
        Native.Blocking(call, (nint)fd, a, b, c, 0, 0);

    public static long SetAttribute(string path, string name, string value, int flags = 0)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        fixed (byte* attribute = Zero(name), content = bytes)
        {
            return Direct(
                __NR_setxattr, path, (nint)attribute, (nint)content, bytes.Length, flags);
        }
    }

    public static string? GetAttribute(string path, string name, out Errno errno)
    {
        byte* value = stackalloc byte[256];
        fixed (byte* attribute = Zero(name))
        {
            long length = Direct(__NR_getxattr, path, (nint)attribute, (nint)value, 256);
            errno = Native.ErrnoOf(length);
            return length < 0 ? null : Encoding.UTF8.GetString(value, (int)length);
        }
    }

    public static List<string> ListAttributes(string path)
    {
        byte* names = stackalloc byte[1024];
        long length = Direct(__NR_listxattr, path, (nint)names, 1024);
        var list = new List<string>();
        foreach (string name in Encoding.UTF8.GetString(names, (int)Math.Max(length, 0)).Split('\0'))
        {
            if (name.Length > 0)
            {
                list.Add(name);
            }
        }

        list.Sort(StringComparer.Ordinal);
        return list;
    }

    public static long RemoveAttribute(string path, string name)
    {
        fixed (byte* attribute = Zero(name))
        {
            return Direct(__NR_removexattr, path, (nint)attribute);
        }
    }

    public static Errno SetTimes(string path, long seconds)
    {
        long* times = stackalloc long[4] { seconds, 5, seconds, 7 };
        return Named(__NR_utimensat, path, (nint)times, AT_SYMLINK_NOFOLLOW);
    }

    public static byte[] Zero(string text) => Encoding.UTF8.GetBytes(text + "\0");
}
