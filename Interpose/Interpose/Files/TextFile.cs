using System;
using System.Text;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Files;

/// <summary>Short texts of the kernel: files of /proc, of /sys and of cgroups.</summary>
public static class TextFile
{
    private const int Most = 16 << 20;
    private const int First = 4096;

    /// <summary>
    /// The text of a file; null when it cannot be read, or is longer than 16 MiB.
    /// </summary>
    public static string? Read(string path)
    {
        if (Posix.Open(path, O_RDONLY, out int fd) != Errno.None)
        {
            return null;
        }

        byte[] text = new byte[First];
        int filled = 0;
        Errno errno;
        int read;
        do
        {
            if (filled == text.Length)
            {
                Array.Resize(ref text, 4 * text.Length);
            }

            errno = Posix.Read(fd, text.AsSpan(filled), out read);
            filled += errno == Errno.None ? read : 0;
        }
        while (errno == Errno.EINTR || (errno == Errno.None && read > 0 && filled < Most));
        Posix.Close(fd);
        return errno == Errno.None && filled < Most
            ? Encoding.UTF8.GetString(text, 0, filled) : null;
    }

    /// <summary>Its lines; none when it cannot be read.</summary>
    public static string[] Lines(string path) =>
        (Read(path) ?? string.Empty).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A file that is one number; null for any other, such as <c>max</c>.</summary>
    public static long? Number(string path) =>
        long.TryParse(Read(path)?.Trim(), out long value) ? value : null;
}
