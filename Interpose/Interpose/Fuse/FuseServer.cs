using System;
using System.Collections.Generic;
using System.Threading;
using Interpose.Abi;
using Interpose.Files;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <summary>How a mount ended.</summary>
public enum FuseEnd
{
    /// <summary>It was unmounted.</summary>
    Unmounted,

    /// <summary>The connection was aborted, by /sys/fs/fuse/connections or by the kernel.</summary>
    Aborted,

    /// <summary>A request broke the protocol: the server ended the mount.</summary>
    Malformed,

    /// <summary>The device could not be read or negotiated with; the mount is ended.</summary>
    Failed,
}

/// <summary>
/// Serves a directory under <see cref="ViewRule"/>s through /dev/fuse: fuse(4), protocol 7.31 and
/// newer (Linux 5.4; made for 6.1 to 6.18).
/// </summary>
/// <remarks>
/// <para>
/// The mount takes <c>default_permissions</c>, for the kernel asks no server about what it has
/// cached. A <see cref="FuseMode.ReadOnly"/> one should be read-only itself: where the kernel
/// opens files without asking, only a write tells that there are none.
/// </para>
/// <para>
/// The process that runs it must hold no other descriptor of the mount's device, and nothing of
/// it may use the mount: with the last descriptor the kernel ends the mount, and every caller gets
/// ENOTCONN. The process's umask is set to 0, for the kernel has applied that of the caller, and
/// its limit of descriptors (RLIMIT_NOFILE) to the hard one.
/// </para>
/// </remarks>
public sealed class FuseServer : IDisposable
{
    private const int LeastWorkers = 2;
    private const int MostWorkers = 8;
    private const int StackSize = 16 << 20;
    private const uint PlainDepth = 1;
    private const uint OverlayDepth = 2;
    private const int Step = 1;
    private const int Patience = 10_000;
    private readonly FuseServerOptions _options;
    private readonly FuseConnection _connection;
    private readonly FuseFiles _files;
    private readonly FuseWorker[] _workers;
    private readonly Thread[] _threads;
    private bool _isStuck;
    private bool _isDisposed;

    /// <summary>Takes over the device of a mount.</summary>
    /// <param name="device">/dev/fuse, as in the mount's <c>fd=</c>; closed at the end.</param>
    /// <param name="options">What to serve.</param>
    /// <exception cref="FileFailure">The directory cannot be served.</exception>
    public FuseServer(int device, FuseServerOptions options)
    {
        _options = options;
        _connection = new(device, options.Queues);
        try
        {
            _files = new(options, _connection);
        }
        catch (FileFailure)
        {
            _connection.Dispose();
            throw;
        }

        int count = options.Workers > 0 ? options.Workers
            : Math.Clamp(Environment.ProcessorCount, LeastWorkers, MostWorkers);
        _workers = new FuseWorker[count];
        _threads = new Thread[count];
        for (int i = 0; i < count; i++)
        {
            _workers[i] = new(this, _connection, _files, i);
            _threads[i] = new(_workers[i].Run, StackSize)
            {
                IsBackground = true,
                Name = $"fuse {i}",
            };
        }
    }

    internal FuseFiles Files => _files;

    internal IReadOnlyList<FuseWorker> Workers => _workers;

    internal FuseConnection Connection => _connection;

    /// <summary>Serves until the mount ends. Blocks; its threads end with it.</summary>
    public FuseEnd Run()
    {
        Native.Quick(__NR_umask, 0);
        _threads[0].Start();
        FuseEnd end = _connection.AwaitEnd();

        // No thread may stay in read(2): it would hold the device, and with it the mount.
        long until = Environment.TickCount64 + Patience;
        for (int i = 0; i < _threads.Length && !_isStuck; i++)
        {
            while ((_threads[i].ThreadState & ThreadState.Unstarted) == 0
                && !_threads[i].Join(Step) && !_isStuck)
            {
                FuseConnection.Wake(_workers[i].Tid);
                _isStuck = Environment.TickCount64 > until;
            }
        }

        return end;
    }

    /// <summary>
    /// Closes the device, which ends the mount. Not while <see cref="Run"/> runs. Where a call on a
    /// file never came back, its memory and descriptors stay until the process ends.
    /// </summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _connection.Dispose();
        if (_isStuck)
        {
            return;
        }

        _files.Dispose();
        foreach (FuseWorker worker in _workers)
        {
            worker.Dispose();
        }
    }

    internal FuseAgreement? Negotiate(in fuse_init_in asked, out fuse_init_out said) =>
        FuseAgreement.Answer(
            asked, _options.Mode, _files.IsOnOverlay ? OverlayDepth : PlainDepth, out said);

    /// <summary>Once the mount is agreed on: the other workers.</summary>
    internal void StartOthers()
    {
        _connection.MakeQueues();
        for (int i = 1; i < _threads.Length; i++)
        {
            _threads[i].Start();
        }
    }

    internal void Interrupt(ulong unique)
    {
        foreach (FuseWorker worker in _workers)
        {
            if (worker.TryInterrupt(unique))
            {
                return;
            }
        }
    }
}
