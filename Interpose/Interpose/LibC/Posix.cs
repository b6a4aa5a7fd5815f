using System;
using System.Text;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.LibC;

/// <summary>The remaining system calls, each with its errno.</summary>
internal static unsafe class Posix
{
    public static Errno Kill(int pid, int signal) =>
        Native.ErrnoOf(Native.Quick(__NR_kill, pid, signal));

    public static int GetEffectiveUser() => (int)Native.Quick(__NR_geteuid);

    public static int GetEffectiveGroup() => (int)Native.Quick(__NR_getegid);

    public static int GetPid() => (int)Native.Quick(__NR_getpid);

    public static int GetTid() => (int)Native.Quick(__NR_gettid);

    /// <summary>
    /// flock(2), exclusive and without waiting: EAGAIN where another has it. It goes with the last
    /// descriptor of the same open.
    /// </summary>
    public static Errno Lock(int fd) =>
        Native.ErrnoOf(Native.Quick(__NR_flock, fd, LOCK_EX | LOCK_NB));

    /// <summary>memfd_create(2), closed on exec.</summary>
    public static Errno CreateMemory(ReadOnlySpan<byte> nameAndZero, uint flags, out int fd)
    {
        fixed (byte* text = nameAndZero)
        {
            // SAFETY: the name ends in a zero byte.
            long result = Native.Quick(__NR_memfd_create, (nint)text, (nint)(flags | MFD_CLOEXEC));
            fd = (int)result;
            return Native.ErrnoOf(result);
        }
    }

    /// <summary>fcntl(2) F_ADD_SEALS.</summary>
    public static Errno Seal(int fd, int seals) =>
        Native.ErrnoOf(Native.Quick(__NR_fcntl, fd, F_ADD_SEALS, seals));

    /// <summary>statx(2), without following a symbolic link.</summary>
    public static Errno Stat(string path, out statx status)
    {
        const int follow = AT_SYMLINK_NOFOLLOW;
        statx found = default;
        byte[] text = System.Text.Encoding.UTF8.GetBytes(path + "\0");

        // SAFETY: the kernel reads the pinned text and writes to a local.
        fixed (byte* name = text)
        {
            long result = Native.Blocking(
                __NR_statx, AT_FDCWD, (nint)name, follow, STATX_BASIC_STATS, (nint)(&found), 0);
            status = found;
            return Native.ErrnoOf(result);
        }
    }

    /// <summary>fchmod(2).</summary>
    public static Errno ChangeMode(int fd, int mode) =>
        Native.ErrnoOf(Native.Quick(__NR_fchmod, fd, mode));

    public static Errno Block(ulong mask, int how, out ulong before)
    {
        ulong old = 0;

        // SAFETY: the kernel reads and writes locals.
        long result = Native.Quick(
            __NR_rt_sigprocmask, how, (nint)(&mask), (nint)(&old), sizeof(ulong));
        before = old;
        return Native.ErrnoOf(result);
    }

    /// <summary>
    /// Whether a process can have memory at an address that this one was never given.
    /// </summary>
    public static bool IsAddress(ulong address)
    {
        const int page = 4096;

        // SAFETY: no memory of ours is there; munmap(2) refuses what is beyond all addresses.
        return Native.Quick(__NR_munmap, (nint)address, page) == 0;
    }

    public static rusage OwnUsage()
    {
        rusage use = default;

        // SAFETY: the kernel writes to a local.
        Native.Quick(__NR_getrusage, RUSAGE_SELF, (nint)(&use));
        return use;
    }

    public static Errno Prctl(int option, nint argument) =>
        Native.ErrnoOf(Native.Quick(__NR_prctl, option, argument));

    public static Errno ReadMemory(HostTid tid, ulong address, Span<byte> into, out int read)
    {
        fixed (byte* buffer = into)
        {
            nuint* local = stackalloc nuint[2] { (nuint)buffer, (nuint)into.Length };
            nuint* remote = stackalloc nuint[2] { (nuint)address, (nuint)into.Length };

            // SAFETY: one iovec each; the local one is the pinned span.
            long result = Native.Blocking(
                __NR_process_vm_readv, tid.Value, (nint)local, 1, (nint)remote, 1, 0);
            read = result > 0 ? (int)result : 0;
            return Native.ErrnoOf(result);
        }
    }

    public static Errno Prlimit(HostTid tid, int resource, rlimit64? set, out rlimit64 old)
    {
        rlimit64 before = default;
        rlimit64 value = set ?? default;

        // SAFETY: the kernel reads and writes locals.
        long result = Native.Quick(
            __NR_prlimit64, tid.Value, resource, set is null ? 0 : (nint)(&value),
            (nint)(&before));
        old = before;
        return Native.ErrnoOf(result);
    }

    public static Errno GetNice(HostTid tid, out int nice)
    {
        // The kernel answers 20 - nice, so that no success is negative.
        long result = Native.Quick(__NR_getpriority, PRIO_PROCESS, tid.Value);
        nice = 20 - (int)result;
        return Native.ErrnoOf(result);
    }

    public static Errno SetNice(HostTid tid, int nice) =>
        Native.ErrnoOf(Native.Quick(__NR_setpriority, PRIO_PROCESS, tid.Value, nice));

    public static Errno GetScheduler(HostTid tid, out int policy)
    {
        long result = Native.Quick(__NR_sched_getscheduler, tid.Value);
        policy = (int)result;
        return Native.ErrnoOf(result);
    }

    public static Errno SetScheduler(HostTid tid, int policy)
    {
        int priority = 0;

        // SAFETY: struct sched_param is one int.
        return Native.ErrnoOf(
            Native.Quick(__NR_sched_setscheduler, tid.Value, policy, (nint)(&priority)));
    }

    public static Errno GetAffinity(HostTid tid, Span<ulong> cpus)
    {
        cpus.Clear();
        fixed (ulong* set = cpus)
        {
            // SAFETY: the kernel writes at most the span.
            return Native.ErrnoOf(Native.Quick(
                __NR_sched_getaffinity, tid.Value, cpus.Length * sizeof(ulong), (nint)set));
        }
    }

    public static Errno SetAffinity(HostTid tid, ReadOnlySpan<ulong> cpus)
    {
        fixed (ulong* set = cpus)
        {
            // SAFETY: the kernel reads the span.
            return Native.ErrnoOf(Native.Quick(
                __NR_sched_setaffinity, tid.Value, cpus.Length * sizeof(ulong), (nint)set));
        }
    }

    /// <summary>kcmp(2): 0 when two tasks share the object.</summary>
    public static long Kcmp(HostTid a, HostTid b, int type) =>
        Native.Quick(__NR_kcmp, a.Value, b.Value, type);

    public static Errno Open(string path, int flags, out int fd)
    {
        Span<byte> bytes = stackalloc byte[512];
        Span<byte> name = Encoding.UTF8.GetByteCount(path) < bytes.Length
            ? bytes : new byte[Encoding.UTF8.GetMaxByteCount(path.Length) + 1];
        name[Encoding.UTF8.GetBytes(path, name)] = 0;
        return Open(name, flags, out fd);
    }

    /// <summary>open(2) of a name below /proc.</summary>
    public static Errno Open(ref ProcPath path, int flags, out int fd) =>
        Open(path.Text, flags, out fd);

    private static Errno Open(ReadOnlySpan<byte> nameAndZero, int flags, out int fd)
    {
        fixed (byte* text = nameAndZero)
        {
            // SAFETY: the name ends in a zero byte.
            long result = Native.Blocking(
                __NR_open, (nint)text, flags | O_CLOEXEC, 0x1b6, 0, 0, 0);
            fd = (int)result;
            return Native.ErrnoOf(result);
        }
    }

    public static Errno Read(int fd, Span<byte> into, out int read)
    {
        fixed (byte* buffer = into)
        {
            // SAFETY: the kernel writes at most the span.
            long result = Native.Blocking(__NR_read, fd, (nint)buffer, into.Length, 0, 0, 0);
            read = result > 0 ? (int)result : 0;
            return Native.ErrnoOf(result);
        }
    }

    public static Errno Write(int fd, ReadOnlySpan<byte> bytes, out int written)
    {
        fixed (byte* buffer = bytes)
        {
            // SAFETY: the kernel reads the span.
            long result = Native.Blocking(__NR_write, fd, (nint)buffer, bytes.Length, 0, 0, 0);
            written = result > 0 ? (int)result : 0;
            return Native.ErrnoOf(result);
        }
    }

    public static void Close(int fd) => Native.Quick(__NR_close, fd);

    /// <summary>faccessat2(2) for the effective ids, relative to a directory.</summary>
    public static Errno Access(int directory, ReadOnlySpan<byte> nameAndZero, int mode)
    {
        fixed (byte* text = nameAndZero)
        {
            // SAFETY: the name ends in a zero byte.
            return Native.ErrnoOf(Native.Blocking(
                __NR_faccessat2, directory, (nint)text, mode, AT_EACCESS, 0, 0));
        }
    }

    /// <summary>
    /// Creates or empties a file for writing; a FIFO without a reader is an error, not a wait.
    /// </summary>
    public static Errno Create(ReadOnlySpan<byte> nameAndZero, out int fd)
    {
        fixed (byte* text = nameAndZero)
        {
            // SAFETY: the name ends in a zero byte.
            long result = Native.Blocking(
                __NR_open, (nint)text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK,
                0x1b6, 0, 0, 0);
            fd = (int)result;
            if (fd >= 0)
            {
                Native.Quick(__NR_fcntl, fd, F_SETFL, 0);
            }

            return Native.ErrnoOf(result);
        }
    }

    /// <summary>Whether a descriptor is open.</summary>
    public static bool IsOpen(int fd) => Native.Quick(__NR_fcntl, fd, F_GETFD) >= 0;

    /// <summary>Whether a file is on nsfs: fstatfs(2).</summary>
    public static bool IsOfNamespaces(int fd)
    {
        // SAFETY: struct statfs is 15 words, of which the first is the type.
        long* filesystem = stackalloc long[15];
        return Native.Quick(__NR_fstatfs, fd, (nint)filesystem) == 0
            && filesystem[0] == NSFS_MAGIC;
    }

    /// <summary>ioctl(2) without an argument: a result or -errno.</summary>
    public static long Control(int fd, int request) => Native.Quick(__NR_ioctl, fd, request);

    /// <summary>readlink(2); null when it fails.</summary>
    public static string? ReadLink(string path) =>
        ReadLink(path, out string target) == Errno.None ? target : null;

    /// <summary>readlink(2).</summary>
    public static Errno ReadLink(string path, out string link)
    {
        // Of the links of /proc both fit, without anything on the heap.
        Span<byte> bytes = stackalloc byte[64];
        int length = Encoding.UTF8.GetByteCount(path);
        Span<byte> name = length < bytes.Length ? bytes : new byte[length + 1];
        name[Encoding.UTF8.GetBytes(path, name)] = 0;
        Span<byte> target = stackalloc byte[1024];
        Errno errno = ReadLink(name, target, out int read);
        if (read == target.Length)
        {
            target = new byte[PATH_MAX];
            errno = ReadLink(name, target, out read);
        }

        link = Encoding.UTF8.GetString(target[..read]);
        return errno;
    }

    /// <summary>readlink(2) of a name below /proc.</summary>
    public static Errno ReadLink(ref ProcPath path, Span<byte> target, out int read) =>
        ReadLink(path.Text, target, out read);

    private static Errno ReadLink(ReadOnlySpan<byte> nameAndZero, Span<byte> target, out int read)
    {
        fixed (byte* text = nameAndZero, into = target)
        {
            // SAFETY: the name ends in a zero byte; the kernel writes at most the span.
            long result = Native.Blocking(
                __NR_readlink, (nint)text, (nint)into, target.Length, 0, 0, 0);
            read = result > 0 ? (int)result : 0;
            return Native.ErrnoOf(result);
        }
    }

    /// <summary>The end of the process, at once and whatever its threads do.</summary>
    public static void Exit(int status) => Native.Quick(__NR_exit_group, status);
}
