using System;
using System.Collections.Generic;
using System.Threading;
using Interpose.Abi;
using Interpose.Files;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <summary>
/// The device, with a queue for each worker where there are descriptors for them.
/// </summary>
internal sealed unsafe class FuseConnection : IDisposable
{
    /// <summary>A real-time signal that neither the C library nor the runtime uses.</summary>
    private const int WakeSignal = 62;

    private readonly List<int> _queues = [];
    private readonly List<int> _spare;
    private readonly ManualResetEventSlim _over = new();
    private int _end = -1;

    /// <summary>Takes over the descriptors.</summary>
    public FuseConnection(int device, IReadOnlyList<int> more)
    {
        _queues.Add(device);
        _spare = [.. more];
        int result = Native.WakeBy(WakeSignal);
        if (result < 0)
        {
            throw new FileFailure("serve", "a signal to wake by"u8, (Errno)(-result));
        }
    }

    /// <summary>What was agreed on; null before FUSE_INIT.</summary>
    public FuseAgreement? Agreement { get; set; }

    /// <summary>How it ended; null: it goes on.</summary>
    public FuseEnd? Ended => Volatile.Read(ref _end) is int end and >= 0 ? (FuseEnd)end : null;

    /// <summary>How many queues there are.</summary>
    public int Queues => _queues.Count;

    /// <summary>Makes queues of the other descriptors: FUSE_DEV_IOC_CLONE.</summary>
    /// <remarks>
    /// Older kernels want both descriptors opened in one user namespace. What cannot be made a
    /// queue is closed.
    /// </remarks>
    public void MakeQueues()
    {
        uint device = (uint)_queues[0];
        foreach (int fd in _spare)
        {
            // SAFETY: the kernel reads one word.
            if (FuseCalls.Control(fd, FUSE_DEV_IOC_CLONE, &device) == 0)
            {
                _queues.Add(fd);
            }
            else
            {
                Posix.Close(fd);
            }
        }

        _spare.Clear();
    }

    /// <summary>The queue of a worker.</summary>
    public int QueueOf(int worker) => _queues[worker % _queues.Count];

    /// <summary>The next request on a queue: its length; 0: none, for it ended.</summary>
    public int Read(int queue, byte* into, int room)
    {
        while (Ended is null)
        {
            long read = FuseCalls.Count(__NR_read, queue, (nint)into, room);
            switch (Native.ErrnoOf(read))
            {
                case Errno.None when read > 0:
                    return (int)read;
                case Errno.EINTR or Errno.EAGAIN or Errno.ENOENT:
                    break;
                case Errno.None or Errno.ENODEV:
                    End(FuseEnd.Unmounted);
                    break;
                case Errno.ECONNABORTED:
                    End(FuseEnd.Aborted);
                    break;
                default:
                    End(FuseEnd.Failed);
                    break;
            }
        }

        return 0;
    }

    /// <summary>Sends an answer; false: the kernel has no request of that kind any more.</summary>
    public bool Send(int queue, ReadOnlySpan<byte> answer)
    {
        while (true)
        {
            Errno errno = Posix.Write(queue, answer, out _);
            switch (errno)
            {
                case Errno.None:
                    return true;
                case Errno.EINTR:
                    continue;
                case Errno.ENODEV:
                    End(FuseEnd.Unmounted);
                    return false;
                default:
                    return false;
            }
        }
    }

    /// <summary>Ends it; the first reason counts.</summary>
    public void End(FuseEnd end)
    {
        Interlocked.CompareExchange(ref _end, (int)end, -1);
        _over.Set();
    }

    /// <summary>Waits for its end.</summary>
    public FuseEnd AwaitEnd()
    {
        _over.Wait();
        return Ended ?? FuseEnd.Failed;
    }

    /// <summary>Wakes a thread that waits in <see cref="Read"/>.</summary>
    public static void Wake(int tid) =>
        Native.Quick(__NR_tgkill, Posix.GetPid(), tid, WakeSignal);

    /// <summary>A file for passthrough: the kernel's number of it, or -errno.</summary>
    public int OpenBacking(int fd)
    {
        var map = new fuse_backing_map { fd = fd };

        // SAFETY: the kernel reads the struct.
        return (int)FuseCalls.Control(_queues[0], FUSE_DEV_IOC_BACKING_OPEN, &map);
    }

    /// <summary>Gives it back; what is open stays.</summary>
    public void CloseBacking(int id)
    {
        uint number = (uint)id;

        // SAFETY: the kernel reads one word.
        FuseCalls.Control(_queues[0], FUSE_DEV_IOC_BACKING_CLOSE, &number);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (int fd in _queues)
        {
            Posix.Close(fd);
        }

        foreach (int fd in _spare)
        {
            Posix.Close(fd);
        }

        _queues.Clear();
        _spare.Clear();
        _over.Dispose();
    }
}
