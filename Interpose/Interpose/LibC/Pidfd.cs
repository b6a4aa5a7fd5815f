using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.LibC;

/// <summary>Descriptors of processes: pidfd_open(2).</summary>
internal static unsafe class Pidfd
{
    /// <summary>
    /// pidfd_open(2): a descriptor that polls as readable once a process has ended.
    /// </summary>
    public static Errno Open(int pid, out int fd)
    {
        long result = Native.Quick(__NR_pidfd_open, pid);
        fd = (int)result;
        return Native.ErrnoOf(result);
    }

    /// <summary>
    /// pidfd_send_signal(2) with a value, as of sigqueue(3); without one it is as of kill(2).
    /// </summary>
    public static Errno Signal(int pidfd, int signal, long? value = null)
    {
        siginfo_t told = new() { si_signo = signal, si_code = SI_QUEUE };
        told.si_pid = Posix.GetPid();
        told.si_value = value ?? 0;

        // SAFETY: the kernel reads a local.
        return Native.ErrnoOf(Native.Quick(
            __NR_pidfd_send_signal, pidfd, signal, value is null ? 0 : (nint)(&told)));
    }

    /// <summary>Whether a descriptor can be read, within some time: poll(2).</summary>
    public static bool IsReadable(int fd, int milliseconds)
    {
        pollfd wanted = new() { fd = fd, events = POLLIN };

        // SAFETY: the kernel reads and writes a local.
        return Native.Blocking(
            __NR_poll, (nint)(&wanted), 1, milliseconds, 0, 0, 0) > 0;
    }
}
