using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Placement;

/// <summary>A process that was listed.</summary>
/// <param name="Stat">What it is doing.</param>
/// <param name="Tracer">Who traces it; 0 for nobody.</param>
/// <param name="User">Its user.</param>
public sealed record ListedProcess(ProcessStat Stat, int Tracer, int User);

/// <summary>The processes of this host, as far as /proc shows them to the caller.</summary>
public static class ProcessList
{
    /// <summary>All of them; who ends meanwhile may be missing.</summary>
    public static IReadOnlyList<ListedProcess> Read()
    {
        var all = new List<ListedProcess>();
        foreach (string directory in Directory.GetDirectories("/proc"))
        {
            if (int.TryParse(
                    Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture,
                    out int pid)
                && ProcessStat.Of(pid) is { } stat)
            {
                var task = new HostTid(pid);
                all.Add(new(
                    stat, ProcStatus.LastOf(task, "TracerPid:") ?? 0,
                    ProcStatus.LastOf(task, "Uid:") ?? -1));
            }
        }

        return all;
    }

    /// <summary>The words a process was started with; none when it has ended.</summary>
    public static string[] Arguments(int pid)
    {
        const int most = 1 << 20;
        if (Posix.Open($"/proc/{pid}/cmdline", O_RDONLY, out int fd) != Errno.None)
        {
            return [];
        }

        var bytes = new List<byte>();
        byte[] part = new byte[4096];
        while (bytes.Count < most && Posix.Read(fd, part, out int read) == Errno.None && read > 0)
        {
            bytes.AddRange(part[..read]);
        }

        Posix.Close(fd);
        string text = Encoding.UTF8.GetString(bytes.ToArray());
        return text.Length == 0 ? [] : text.TrimEnd('\0').Split('\0');
    }

    /// <summary>
    /// The call that a stopped task is in: proc_pid_syscall(5). Null when it runs, or when this
    /// process may not know.
    /// </summary>
    public static int? CallOf(int pid)
    {
        string text = "";
        if (Posix.Open($"/proc/{pid}/syscall", O_RDONLY, out int fd) == Errno.None)
        {
            byte[] bytes = new byte[32];
            Posix.Read(fd, bytes, out int read);
            Posix.Close(fd);
            text = Encoding.ASCII.GetString(bytes, 0, read);
        }

        return int.TryParse(
            text.Split(' ')[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture,
            out int number) ? number : null;
    }
}
