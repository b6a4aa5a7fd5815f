using System;
using System.Buffers.Text;
using System.Text;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Placement;

/// <summary>
/// What the supervisor reads and sets of one stopped task from outside: limits, scheduling and
/// its place in the order of the OOM killer.
/// </summary>
public static class TaskAttributes
{
    /// <summary>More than the text of a namespace's link takes.</summary>
    private const int NamespaceName = 64;

    /// <summary>Words of a CPU set: 1024 processors.</summary>
    public const int CpuWords = 16;

    /// <summary>prlimit(2), reading.</summary>
    public static Errno GetLimit(HostTid task, int resource, out rlimit64 limit) =>
        Posix.Prlimit(task, resource, null, out limit);

    /// <summary>prlimit(2), setting.</summary>
    public static Errno SetLimit(HostTid task, int resource, in rlimit64 limit) =>
        Posix.Prlimit(task, resource, limit, out _);

    /// <summary>getpriority(2) of one thread.</summary>
    public static Errno GetNice(HostTid task, out int nice) => Posix.GetNice(task, out nice);

    /// <summary>setpriority(2) of one thread.</summary>
    public static Errno SetNice(HostTid task, int nice) => Posix.SetNice(task, nice);

    /// <summary>sched_getscheduler(2), without SCHED_RESET_ON_FORK.</summary>
    public static Errno GetScheduler(HostTid task, out int policy)
    {
        Errno errno = Posix.GetScheduler(task, out policy);
        policy &= ~SCHED_RESET_ON_FORK;
        return errno;
    }

    /// <summary>sched_setscheduler(2) with priority 0.</summary>
    public static Errno SetScheduler(HostTid task, int policy) => Posix.SetScheduler(task, policy);

    /// <summary>sched_getaffinity(2) into <see cref="CpuWords"/> words.</summary>
    public static Errno GetAffinity(HostTid task, Span<ulong> cpus) =>
        Posix.GetAffinity(task, cpus);

    /// <summary>sched_setaffinity(2).</summary>
    public static Errno SetAffinity(HostTid task, ReadOnlySpan<ulong> cpus) =>
        Posix.SetAffinity(task, cpus);

    /// <summary>Reads /proc/PID/oom_score_adj: proc_pid_oom_score_adj(5).</summary>
    public static Errno GetOomScoreAdj(HostTid task, out int value)
    {
        value = 0;
        Errno errno = Posix.Open($"/proc/{task}/oom_score_adj", O_RDONLY, out int fd);
        if (errno != Errno.None)
        {
            return errno;
        }

        Span<byte> text = stackalloc byte[16];
        errno = Posix.Read(fd, text, out int read);
        Posix.Close(fd);
        return errno != Errno.None ? errno
            : int.TryParse(text[..read].Trim("\n"u8), out value) ? Errno.None : Errno.EINVAL;
    }

    /// <summary>Opens /proc/PID/oom_score_adj for writing.</summary>
    public static Errno SetOomScoreAdj(HostTid task, int value)
    {
        Errno errno = Posix.Open($"/proc/{task}/oom_score_adj", O_WRONLY, out int fd);
        if (errno != Errno.None)
        {
            return errno;
        }

        errno = Posix.Write(fd, Encoding.ASCII.GetBytes($"{value}"), out _);
        Posix.Close(fd);
        return errno;
    }

    /// <summary>
    /// Nanoseconds that one thread was on a processor: the first number of /proc/TID/schedstat.
    /// 0 when the task is gone.
    /// </summary>
    public static long ProcessorTime(HostTid task)
    {
        if (Posix.Open($"/proc/{task}/schedstat", O_RDONLY, out int fd) != Errno.None)
        {
            return 0;
        }

        Span<byte> text = stackalloc byte[64];
        Posix.Read(fd, text, out int read);
        Posix.Close(fd);
        return Utf8Parser.TryParse(text[..read], out long nanoseconds, out _) ? nanoseconds : 0;
    }

    /// <summary>Whether two tasks share a kernel object: kcmp(2) of type KCMP_*.</summary>
    /// <returns>Null when the kernel does not tell.</returns>
    public static bool? Share(HostTid a, HostTid b, int type)
    {
        long order = Posix.Kcmp(a, b, type);
        return order < 0 ? null : order == 0;
    }

    /// <summary>A namespace by its link in /proc/PID/ns; null when it cannot be told.</summary>
    public static string? Namespace(HostTid task, string link) =>
        Posix.ReadLink($"/proc/{task}/ns/{link}");

    /// <summary>
    /// Whether two links in /proc/PID/ns name one namespace; null when one cannot be told.
    /// </summary>
    public static bool? SameNamespace(HostTid task, string link, string other)
    {
        Span<byte> one = stackalloc byte[NamespaceName];
        Span<byte> two = stackalloc byte[NamespaceName];
        Errno first = Posix.ReadLink($"/proc/{task}/ns/{link}", one, out int length);
        Errno second = Posix.ReadLink($"/proc/{task}/ns/{other}", two, out int otherLength);
        return first != Errno.None || second != Errno.None ? null
            : one[..length].SequenceEqual(two[..otherLength]);
    }

    /// <summary>Whether a link in /proc/PID/ns can be read.</summary>
    public static bool HasNamespace(HostTid task, string link)
    {
        Span<byte> name = stackalloc byte[NamespaceName];
        return Posix.ReadLink($"/proc/{task}/ns/{link}", name, out _) == Errno.None;
    }

    /// <summary>
    /// The same with its errno: ENOENT for none, EACCES where ptrace(2) may not look either.
    /// </summary>
    public static Errno Namespace(HostTid task, string link, out string name) =>
        Posix.ReadLink($"/proc/{task}/ns/{link}", out name);

    /// <summary>What a descriptor is, as its link in /proc/PID/fd says.</summary>
    public static Errno Descriptor(HostTid task, string number, out string link) =>
        Posix.ReadLink($"/proc/{task}/fd/{number}", out link);

    /// <summary>
    /// The type of the namespace that a descriptor stands for, as a CLONE_NEW flag:
    /// ioctl_nsfs(2). 0 for any other file, which is looked at without being opened.
    /// </summary>
    public static ulong NamespaceType(HostTid task, string number)
    {
        if (Posix.Open($"/proc/{task}/fd/{number}", O_PATH, out int file) != Errno.None)
        {
            return 0;
        }

        long type = 0;
        if (Posix.IsOfNamespaces(file)
            && Posix.Open($"/proc/self/fd/{file}", O_RDONLY, out int opened) == Errno.None)
        {
            type = Posix.Control(opened, NS_GET_NSTYPE);
            Posix.Close(opened);
        }

        Posix.Close(file);
        return type > 0 ? (ulong)type : 0;
    }

    /// <summary>
    /// The process id that a task's own pid namespace knows it by; null when it cannot be told.
    /// </summary>
    public static int? InnermostPid(HostTid task) => ProcStatus.LastOf(task, "NStgid:");

    /// <summary>A field of /proc/PID/status as a number; null when the task is gone.</summary>
    /// <param name="task">Which.</param>
    /// <param name="field">The field's name.</param>
    /// <param name="numberBase">10, or 16 for masks.</param>
    public static ulong? Status(HostTid task, string field, int numberBase = 10)
    {
        Span<ulong> value = stackalloc ulong[1];
        return ProcStatus.TryRead(task, numberBase, [field + ":"], value) ? value[0] : null;
    }
}
