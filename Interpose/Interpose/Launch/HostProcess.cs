using System;
using System.Text;
using Interpose.Abi;
using Interpose.Files;
using Interpose.LibC;
using Interpose.Ptrace;
using static Interpose.Abi.Uapi;

namespace Interpose.Launch;

/// <summary>What the supervisor does to its own process.</summary>
public static class HostProcess
{
    /// <summary>
    /// Closes this process to guests of the same user: no trace, no memory, no descriptors.
    /// "Processes that are not dumpable can not be attached via ptrace(2)" - prctl(2).
    /// </summary>
    public static Errno SetUndumpable() => Posix.Prctl(PR_SET_DUMPABLE, 0);

    /// <summary>Sends a signal to a process or, negative, to a process group.</summary>
    public static Errno Kill(int pid, int signal) => Posix.Kill(pid, signal);

    /// <summary>Ends a child that has run nothing yet, and takes its status.</summary>
    public static void KillAndReap(HostTid child)
    {
        Posix.Kill(child.Value, SIGKILL);
        Waiting.Reap(child.Value);
    }

    /// <summary>Stops this process until somebody continues it.</summary>
    public static void StopSelf() => Posix.Kill(Posix.GetPid(), SIGSTOP);

    /// <summary>Ends this process at once, whatever its threads do.</summary>
    public static void ExitNow(int status) => Posix.Exit(status);

    /// <summary>
    /// Takes a signal of <see cref="StartState.WaitedSignals"/> that has come; 0 for none.
    /// </summary>
    public static int TakeSignal(out siginfo_t signal)
    {
        ulong own = StartState.WaitedSignals & ~TraceeWaiter.Bit(SIGCHLD);
        return Waiting.Signal(own, 0, out signal);
    }

    /// <summary>Whether there is a controlling terminal.</summary>
    public static bool HasTerminal
    {
        get
        {
            bool has = Posix.Open("/dev/tty", O_RDONLY | O_NOCTTY, out int fd) == Errno.None;
            if (has)
            {
                Posix.Close(fd);
            }

            return has;
        }
    }

    /// <summary>Writes to standard error; what cannot be written is lost.</summary>
    public static void WriteError(string text) => Write(2, Encoding.UTF8.GetBytes(text));

    /// <summary>Writes to standard output; false when not all could be written.</summary>
    public static bool WriteOut(string text) => Write(1, Encoding.UTF8.GetBytes(text));

    /// <summary>Opens or creates a file for writing, empty.</summary>
    public static Errno OpenOutput(string path, out int fd)
    {
        byte[] name = [.. Encoding.UTF8.GetBytes(path), 0];
        return Posix.Create(name, out fd);
    }

    /// <summary>Opens a directory for <see cref="LaunchSpec.Directory"/>.</summary>
    public static Errno OpenDirectory(string path, out int fd) =>
        Posix.Open(path, O_PATH | O_DIRECTORY, out fd);

    /// <summary>
    /// The path of a file without symbolic links: what /proc says of a descriptor of it.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="canonical">Its path from the root.</param>
    /// <param name="isDirectory">Whether it is a directory.</param>
    public static Errno Resolve(string path, out string canonical, out bool isDirectory)
    {
        (canonical, isDirectory) = (string.Empty, false);
        Errno errno = Posix.Open(path, O_PATH, out int fd);
        if (errno != Errno.None)
        {
            return errno;
        }

        string link = $"/proc/self/fd/{fd}";
        errno = Posix.ReadLink(link, out canonical);
        bool isPath = canonical.StartsWith('/') && !canonical.Contains('\uFFFD');
        errno = errno != Errno.None || isPath ? errno : Errno.EILSEQ;
        isDirectory = Posix.Open(
            canonical, O_PATH | O_DIRECTORY, out int directory) == Errno.None;
        if (isDirectory)
        {
            Posix.Close(directory);
        }

        Posix.Close(fd);
        return errno;
    }

    /// <summary>Where a symbolic link leads, as it says itself; null where there is none.</summary>
    public static string? LinkAt(string path) => Posix.ReadLink(path);

    /// <summary>The effective ids of this process.</summary>
    public static (int User, int Group) EffectiveIds =>
        (Posix.GetEffectiveUser(), Posix.GetEffectiveGroup());

    /// <summary>Makes a directory that only this user can use.</summary>
    public static Errno MakeDirectory(string path) => FileCalls.Named(
        __NR_mkdirat, AT_FDCWD, [.. Encoding.UTF8.GetBytes(path), 0], 0x1c0);

    /// <summary>Removes an empty directory.</summary>
    public static Errno RemoveDirectory(string path) => FileCalls.Named(
        __NR_unlinkat, AT_FDCWD, [.. Encoding.UTF8.GetBytes(path), 0], AT_REMOVEDIR);

    /// <summary>
    /// A moment, in nanoseconds since the epoch, to tell what was done to files before and after
    /// it. The kernel stamps files by a clock that stands still between its ticks; when this
    /// returns, that clock has passed the moment.
    /// </summary>
    public static long NextInstant()
    {
        long now = FileCalls.Clock(CLOCK_REALTIME);
        while (FileCalls.Clock(CLOCK_REALTIME_COARSE) <= now)
        {
            System.Threading.Thread.Sleep(1);
        }

        return now;
    }

    /// <summary>Whether a descriptor is open.</summary>
    public static bool IsOpen(int fd) => Posix.IsOpen(fd);

    /// <summary>Writes all bytes; false when the reader is gone or the disk is full.</summary>
    public static bool Write(int fd, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Errno errno = Posix.Write(fd, bytes, out int written);
            if (errno is not Errno.None and not Errno.EINTR)
            {
                return false;
            }

            bytes = bytes[written..];
        }

        return true;
    }

    /// <summary>Closes a descriptor.</summary>
    public static void Close(int fd) => Posix.Close(fd);

    /// <summary>
    /// The kernel's release, such as <c>6.18.44</c>; empty when it cannot be told.
    /// </summary>
    public static string KernelRelease =>
        TextFile.Read("/proc/sys/kernel/osrelease")?.Trim() ?? string.Empty;

    /// <summary>
    /// Whether page tables have five levels, so that there are addresses beyond 47 bits.
    /// </summary>
    public static bool HasFiveLevelPages => Posix.IsAddress(1UL << 47);

    /// <summary>What this process, with all its threads, has used: getrusage(2).</summary>
    public static rusage OwnUsage() => Posix.OwnUsage();

    /// <summary>The version of landlock(7); negative, an error, where there is none.</summary>
    public static int LandlockVersion => (int)Native.Quick(
        __NR_landlock_create_ruleset, 0, 0, (nint)LANDLOCK_CREATE_RULESET_VERSION);

    /// <summary>The program that a process runs; null when it cannot be told.</summary>
    /// <param name="task">Any task of it.</param>
    /// <param name="known">Where names that were read before are kept, if anywhere.</param>
    public static string? ProgramOf(HostTid task, NameCache? known = null)
    {
        Span<byte> target = stackalloc byte[PATH_MAX];
        Errno errno = Posix.ReadLink($"/proc/{task}/exe", target, out int read);
        return errno != Errno.None ? null
            : known?.Find(target[..read]) ?? Encoding.UTF8.GetString(target[..read]);
    }
}
