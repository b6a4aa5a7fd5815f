using System;
using Interpose.Abi;
using Interpose.LibC;

namespace Interpose.Launch;

/// <summary>
/// One process, whatever becomes of its pid: pidfd_open(2). What was read of the pid between the
/// opening and a look that finds it not ended is of this process.
/// </summary>
public sealed class ProcessHandle : IDisposable
{
    private readonly int _fd;

    private ProcessHandle(int fd) => _fd = fd;

    /// <summary>Opens a process; null when there is none.</summary>
    public static ProcessHandle? Open(int pid, out Errno errno)
    {
        errno = Pidfd.Open(pid, out int fd);
        return errno == Errno.None ? new(fd) : null;
    }

    /// <summary>Whether it has ended, or does within some time.</summary>
    public bool Ends(TimeSpan within) =>
        Pidfd.IsReadable(_fd, (int)within.TotalMilliseconds);

    /// <summary>Sends a signal: as of kill(2), or with a value, as of sigqueue(3).</summary>
    public Errno Signal(int signal, long? value = null) =>
        Pidfd.Signal(_fd, signal, value);

    /// <inheritdoc/>
    public void Dispose() => Posix.Close(_fd);
}
