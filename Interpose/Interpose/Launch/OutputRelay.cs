using System;
using System.Collections.Generic;
using System.Threading;
using Interpose.Abi;
using Interpose.LibC;

namespace Interpose.Launch;

/// <summary>
/// Pipes in the place of a run's standard output and error, by which what it writes there is
/// counted on its way, and cut off after so many bytes.
/// </summary>
/// <remarks>
/// Where both are one open file they share a pipe, so the order of what is written stays. Else
/// each has a pipe and a thread: a reader who waits keeps nobody from the other. A reader who goes
/// away is seen by the guest as ever: EPIPE. Not for terminals, which programs set and ask about.
/// </remarks>
public sealed class OutputRelay : IDisposable
{
    private const int StackSize = 128 * 1024;
    private const int Chunk = 64 * 1024;
    private readonly List<Stream> _streams = [];
    private readonly List<Thread> _threads = [];
    private long _left;
    private Action? _onExceeded;
    private volatile bool _exceeded;
    private volatile string? _failure;

    private OutputRelay(ulong most) => _left = (long)most;

    /// <summary>Whether more was written than may be.</summary>
    public bool Exceeded => _exceeded;

    /// <summary>What could not be passed on, and why; null when all was.</summary>
    public string? Failure => _failure;

    /// <summary>Descriptors for the first task: which becomes which.</summary>
    public IEnumerable<(int Pipe, int Descriptor)> Descriptors
    {
        get
        {
            foreach (Stream stream in _streams)
            {
                foreach (int fd in stream.Of)
                {
                    yield return (stream.WriteEnd, fd);
                }
            }
        }
    }

    /// <summary>Makes the pipes.</summary>
    /// <param name="most">How many bytes may pass, of both together.</param>
    /// <param name="owner">Whose the pipes are, as the host has ids; null for this user.</param>
    /// <param name="relay">The relay.</param>
    /// <returns>What keeps it from counting, in words; null when all is well.</returns>
    public static string? Create(ulong most, (int User, int Group)? owner, out OutputRelay? relay)
    {
        relay = null;
        var made = new OutputRelay(most);
        foreach (int fd in (ReadOnlySpan<int>)[1, 2])
        {
            if (made.Add(fd, owner) is { } why)
            {
                made.Dispose();
                return why;
            }
        }

        relay = made;
        return null;
    }

    /// <summary>
    /// The first task has its ends: ours are closed, and what is written is passed on.
    /// </summary>
    /// <param name="onExceeded">Called at most once, by another thread.</param>
    public void Start(Action onExceeded)
    {
        _onExceeded = onExceeded;
        foreach (Stream stream in _streams)
        {
            Posix.Close(stream.WriteEnd);
            stream.WriteEnd = -1;
            var thread = new Thread(() => Pass(stream), StackSize)
            {
                IsBackground = true,
                Name = "output",
            };
            thread.Start();
            _threads.Add(thread);
        }
    }

    /// <summary>Whether all was passed on that the guests, which are gone, have written.</summary>
    /// <param name="within">How long to wait for that.</param>
    public bool Ends(TimeSpan within)
    {
        long until = Environment.TickCount64 + (long)within.TotalMilliseconds;
        foreach (Thread thread in _threads)
        {
            long left = Math.Max(0, until - Environment.TickCount64);
            if (!thread.Join((int)left))
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Stream stream in _streams)
        {
            if (stream.WriteEnd >= 0)
            {
                Posix.Close(stream.WriteEnd);
                Posix.Close(stream.ReadEnd);
            }
        }

        _streams.Clear();
    }

    private string? Add(int fd, (int User, int Group)? owner)
    {
        if ((StartState.Closed & (1UL << fd)) != 0 || !Streams.IsWritable(fd))
        {
            return null;
        }

        if (Streams.IsTerminal(fd))
        {
            return $"descriptor {fd} is a terminal";
        }

        if (Streams.IsWritable(0) && Streams.IsSameFile(0, fd))
        {
            return $"descriptor 0 is the same file as {fd}, and can be written to";
        }

        if (_streams.Count > 0 && Streams.IsSameOpenFile(_streams[0].Of[0], fd))
        {
            _streams[0].Of.Add(fd);
            return null;
        }

        Errno errno = Streams.Pipe(out int read, out int write);
        if (errno != Errno.None)
        {
            return $"pipe: {errno.Describe()}";
        }

        if (owner is var (user, group))
        {
            // For who opens /dev/stdout; where it is refused that is all that is lost.
            FileCalls.ChangeOwner(write, (uint)user, (uint)group);
        }

        _streams.Add(new(read, write, [fd]));
        return null;
    }

    private void Pass(Stream stream)
    {
        byte[] bytes = new byte[Chunk];
        int to = stream.Of[0];
        while (true)
        {
            Errno errno = Posix.Read(stream.ReadEnd, bytes, out int read);
            if (errno == Errno.EINTR)
            {
                continue;
            }

            if (errno != Errno.None || read == 0)
            {
                break;
            }

            long left = Interlocked.Add(ref _left, -read);
            int passes = (int)Math.Clamp(read + left, 0, read);
            errno = Streams.WriteAll(to, bytes.AsSpan(0, passes));
            if (errno is not Errno.None and not Errno.EPIPE)
            {
                _failure = $"descriptor {to}: {errno.Describe()}";
            }

            if (left < 0 && Interlocked.Exchange(ref _onExceeded, null) is { } tell)
            {
                _exceeded = true;
                tell();
            }

            if (errno != Errno.None || left < 0)
            {
                break;
            }
        }

        // Whoever still writes is told so: EPIPE.
        Posix.Close(stream.ReadEnd);
    }

    /// <summary>One pipe.</summary>
    private sealed class Stream(int readEnd, int writeEnd, List<int> of)
    {
        public int ReadEnd => readEnd;

        public int WriteEnd { get; set; } = writeEnd;

        /// <summary>The descriptors that it stands for.</summary>
        public List<int> Of => of;
    }
}
