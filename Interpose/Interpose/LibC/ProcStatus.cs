using System;
using System.Buffers.Text;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.LibC;

/// <summary>Single fields of /proc/PID/status: proc_pid_status(5).</summary>
internal static class ProcStatus
{
    private const int Enough = 4096;

    /// <summary>Reads fields by name, each as a number; false when the task is gone.</summary>
    /// <param name="tid">Whose.</param>
    /// <param name="numberBase">10 or 16.</param>
    /// <param name="names">Names with colon, such as <c>SigCgt:</c>.</param>
    /// <param name="values">One for each name; 0 where the field is not there.</param>
    public static bool TryRead(
        HostTid tid, int numberBase, ReadOnlySpan<string> names, Span<ulong> values)
    {
        values.Clear();
        Span<byte> buffer = stackalloc byte[Enough];
        int filled = Fill(tid, buffer);
        foreach (Range line in buffer[..filled].Split((byte)'\n'))
        {
            Match(buffer[line], numberBase, names, values);
        }

        return filled > 0;
    }

    /// <summary>The last of a field's numbers; null when the field is not there.</summary>
    public static int? LastOf(HostTid tid, string name)
    {
        Span<byte> buffer = stackalloc byte[Enough];
        int filled = Fill(tid, buffer);
        foreach (Range range in buffer[..filled].Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = buffer[range];
            if (line.Length > name.Length && StartsWith(line, name))
            {
                ReadOnlySpan<byte> last = line[(line.LastIndexOf((byte)'\t') + 1)..];
                return Utf8Parser.TryParse(last, out int n, out _) ? n : null;
            }
        }

        return null;
    }

    private static int Fill(HostTid tid, Span<byte> buffer)
    {
        if (Posix.Open($"/proc/{tid}/status", O_RDONLY, out int fd) != Errno.None)
        {
            return 0;
        }

        int filled = 0;
        while (filled < buffer.Length
            && Posix.Read(fd, buffer[filled..], out int read) == Errno.None && read > 0)
        {
            filled += read;
        }

        Posix.Close(fd);
        return filled;
    }

    private static void Match(
        ReadOnlySpan<byte> line, int numberBase, ReadOnlySpan<string> names, Span<ulong> values)
    {
        for (int i = 0; i < names.Length; i++)
        {
            string name = names[i];
            if (line.Length > name.Length && StartsWith(line, name))
            {
                ReadOnlySpan<byte> text = line[name.Length..].TrimStart(" \t"u8);
                char format = numberBase == 16 ? 'x' : 'D';
                values[i] = Utf8Parser.TryParse(text, out ulong n, out _, format) ? n : 0;
            }
        }
    }

    private static bool StartsWith(ReadOnlySpan<byte> line, string name)
    {
        for (int i = 0; i < name.Length; i++)
        {
            if (line[i] != name[i])
            {
                return false;
            }
        }

        return true;
    }
}
