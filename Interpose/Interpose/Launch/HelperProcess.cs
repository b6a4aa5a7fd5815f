using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Launch;

/// <summary>
/// This program once more, as a process beside the supervisor: for what the supervisor itself may
/// no longer do once guests run. It is told by a socket, and ends when that is closed.
/// </summary>
/// <remarks>
/// It is no child of the supervisor's, which waits for its guests alone: its parent ends at once.
/// It keeps the credentials and capabilities that the supervisor had when it was started.
/// </remarks>
public sealed class HelperProcess : IDisposable
{
    private const int Patience = 10_000;
    private readonly LaunchPlan _plan = new();
    private int _socket;

    private HelperProcess(int socket) => _socket = socket;

    /// <summary>Starts it and waits until it has said its first byte.</summary>
    /// <param name="words">
    /// Its arguments; the number of its end of the socket is added as the last.
    /// </param>
    /// <param name="shared">
    /// A descriptor that it keeps open, as its standard input, which it does not read.
    /// </param>
    /// <param name="helper">The process.</param>
    /// <returns>Why it could not be.</returns>
    public static Errno Start(
        IReadOnlyList<byte[]> words, int shared, out HelperProcess? helper)
    {
        helper = null;
        Errno errno = FileCalls.Pair(out int ours, out int others);
        if (errno != Errno.None)
        {
            return errno;
        }

        var started = new HelperProcess(ours);
        started.Plan(words, others, shared);
        errno = started._plan.Start(out HostTid child);
        if (errno == Errno.None)
        {
            Waiting.End(child);
        }

        Posix.Close(others);
        if (errno == Errno.None)
        {
            errno = started.Hear(Patience, 1).Length == 1 ? Errno.None
                : started._plan.Failure?.Errno ?? Errno.ETIMEDOUT;
        }

        if (errno == Errno.None)
        {
            helper = started;
        }
        else
        {
            started.Dispose();
        }

        return errno;
    }

    /// <summary>Tells it something; false when it is gone.</summary>
    public bool Tell(ReadOnlySpan<byte> bytes) => HostProcess.Write(_socket, bytes);

    /// <summary>
    /// What it says, up to a number of bytes; less when it is gone, or silent for too long.
    /// </summary>
    /// <param name="milliseconds">How long it may be silent.</param>
    /// <param name="most">How many bytes to wait for.</param>
    public byte[] Hear(int milliseconds, int most)
    {
        byte[] heard = new byte[most];
        int filled = 0;
        while (filled < most && FileCalls.AwaitReadable(_socket, milliseconds)
            && Posix.Read(_socket, heard.AsSpan(filled), out int read) == Errno.None && read > 0)
        {
            filled += read;
        }

        return heard[..filled];
    }

    /// <summary>Nothing more will be said to it: shutdown(2).</summary>
    public void Hush() => Native.Quick(__NR_shutdown, _socket, SHUT_WR);

    /// <summary>In the helper: waits for a byte; -1 when the other end is gone.</summary>
    public static int Listen(int socket)
    {
        Span<byte> one = stackalloc byte[1];
        Errno errno;
        int read;
        do
        {
            errno = Posix.Read(socket, one, out read);
        }
        while (errno == Errno.EINTR);

        return errno == Errno.None && read == 1 ? one[0] : -1;
    }

    /// <summary>Closes the socket; the memory of the plan is no longer in use.</summary>
    public void Dispose()
    {
        if (_socket >= 0)
        {
            Posix.Close(_socket);
            _socket = -1;
            _plan.Dispose();
        }
    }

    private void Plan(IReadOnlyList<byte[]> words, int socket, int shared)
    {
        const string what = "the helper";
        int fork = _plan.AddFork(what);
        nint mask = _plan.Allocate(sizeof(ulong));
        Marshal.WriteInt64(mask, unchecked((long)StartState.Blocked));
        _plan.Add(
            "rt_sigprocmask of", what, __NR_rt_sigprocmask, SIG_SETMASK, mask, 0, sizeof(ulong));
        _plan.Add("setsid of", what, __NR_setsid);
        _plan.Add("fcntl of", what, __NR_fcntl, socket, F_SETFD, 0);
        _plan.Add("dup2 of", what, __NR_dup2, shared, 0);
        if (socket > 3)
        {
            _plan.Add("close_range of", what, __NR_close_range, 3, socket - 1, 0);
        }

        _plan.Add(
            "close_range of", what, __NR_close_range, socket + 1,
            unchecked((nint)uint.MaxValue), 0);
        var arguments = new List<nint>();
        foreach (byte[] word in words)
        {
            arguments.Add(_plan.Text(word));
        }

        arguments.Add(_plan.Text(Encoding.ASCII.GetBytes($"{socket}")));
        var variables = new List<nint>();
        foreach (byte[] variable in StartState.Environment())
        {
            variables.Add(_plan.Text(variable));
        }

        _plan.Add(
            "execve of", what, __NR_execve, _plan.Text("/proc/self/exe"u8),
            _plan.Vector(arguments), _plan.Vector(variables));
        _plan.GoOnAfter(fork);
    }
}
