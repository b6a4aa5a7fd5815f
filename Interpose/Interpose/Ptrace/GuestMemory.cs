using System;
using Interpose.Abi;
using Interpose.LibC;

namespace Interpose.Ptrace;

/// <summary>The memory of stopped guest tasks: process_vm_readv(2).</summary>
public static class GuestMemory
{
    private static volatile bool _reading;

    /// <summary>Whether a read is under way: one that the guest may never let finish.</summary>
    internal static bool Reading => _reading;

    /// <summary>Copies guest memory once.</summary>
    /// <param name="task">A stopped task.</param>
    /// <param name="address">Where in its address space.</param>
    /// <param name="destination">Filled from the beginning.</param>
    /// <param name="read">How many bytes were readable.</param>
    /// <returns>None, EFAULT, or EPERM when the task's memory is closed to us.</returns>
    public static Errno Read(HostTid task, ulong address, Span<byte> destination, out int read)
    {
        _reading = true;
        Errno errno = Posix.ReadMemory(task, address, destination, out read);
        _reading = false;
        return errno is Errno.None or Errno.EPERM ? errno : Errno.EFAULT;
    }
}
