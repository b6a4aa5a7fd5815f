using System;
using System.Globalization;
using System.Text;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Placement;

/// <summary>A process or thread as proc_pid_stat(5) tells it.</summary>
/// <param name="Pid">Its id.</param>
/// <param name="Name">comm: at most 15 bytes, of any kind.</param>
/// <param name="State">R S D T t Z X I.</param>
/// <param name="Parent">ppid.</param>
/// <param name="CpuTicks">
/// Hundredths of a second on a processor, with those of the children that it waited for.
/// </param>
/// <param name="Threads">num_threads.</param>
/// <param name="Start">starttime, in hundredths of a second since boot.</param>
/// <param name="Resident">Bytes of memory.</param>
public sealed record ProcessStat(
    int Pid, string Name, char State, int Parent, long CpuTicks, int Threads, long Start,
    long Resident)
{
    private const int Page = 4096;

    /// <summary>Whether it has ended, and only its status is left.</summary>
    public bool HasEnded => State is 'Z' or 'X';

    /// <summary>Reads it; null when there is no such process.</summary>
    public static ProcessStat? Of(int pid)
    {
        Span<byte> bytes = stackalloc byte[1024];
        if (Posix.Open($"/proc/{pid}/stat", O_RDONLY, out int fd) != Errno.None)
        {
            return null;
        }

        Errno errno = Posix.Read(fd, bytes, out int read);
        Posix.Close(fd);
        return errno == Errno.None ? Parse(pid, Encoding.UTF8.GetString(bytes[..read])) : null;
    }

    /// <summary>Reads a line: <c>1 (comm) S 0 ...</c>, where comm may hold anything.</summary>
    internal static ProcessStat? Parse(int pid, string line)
    {
        int open = line.IndexOf('(', StringComparison.Ordinal);
        int close = line.LastIndexOf(')');

        // Field 3 of the page, the state, is the first one here.
        const int start = 22 - 3;
        const int resident = 24 - 3;
        string[] fields = line[(close + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (open < 0 || close < open || fields.Length <= resident)
        {
            return null;
        }

        long cpu = 0;
        for (int i = 14 - 3; i <= 17 - 3; i++)
        {
            cpu += Number(fields[i]);
        }

        return new(
            pid, line[(open + 1)..close], fields[0][0], (int)Number(fields[4 - 3]), cpu,
            (int)Number(fields[20 - 3]), Number(fields[start]), Number(fields[resident]) * Page);
    }

    private static long Number(string field) =>
        long.TryParse(
            field, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long n) ? n : 0;
}
