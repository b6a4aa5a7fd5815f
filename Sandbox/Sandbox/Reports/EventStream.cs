using System;
using System.Buffers;
using System.Collections.Generic;
using System.Text.Json;
using System.Threading;
using Interpose.Launch;

namespace Sandbox.Reports;

/// <summary>
/// Events as NDJSON. A slow reader never stalls a guest: lines wait in a bounded buffer, and
/// what does not fit is dropped and counted. When there is room again a line <c>dropped</c> says
/// how many of which were lost there; the last lines of a run have room of their own.
/// </summary>
internal sealed class EventStream : IDisposable
{
    private const int Most = 8 * 1024 * 1024;
    private const int MostAtEnd = Most + (1024 * 1024);
    private readonly int _fd;
    private readonly Thread _writer;
    private readonly Lock _gate = new();
    private readonly AutoResetEvent _more = new(false);
    private readonly ArrayBufferWriter<byte> _line = new(1024);
    private readonly Utf8JsonWriter _json;
    private ArrayBufferWriter<byte> _filling = new(64 * 1024);
    private ArrayBufferWriter<byte> _draining = new(64 * 1024);
    private readonly SortedDictionary<string, long> _dropped = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, long> _droppedSince = new(StringComparer.Ordinal);
    private string _name = string.Empty;
    private long _time;
    private int _most = Most;
    private bool _ending;

    /// <summary>Writes to a descriptor, which it takes over unless it is standard error.</summary>
    public EventStream(int fd)
    {
        _fd = fd;
        _json = new Utf8JsonWriter(_line);
        _writer = new Thread(Drain) { IsBackground = true, Name = "events" };
        _writer.Start();
    }

    /// <summary>
    /// Lines that were dropped because the reader was too slow, by the name of the event.
    /// </summary>
    public IReadOnlyDictionary<string, long> Dropped => _dropped;

    /// <summary>Whether writing failed; the reader has only what came before.</summary>
    public bool Broken { get; private set; }

    /// <summary>Whether the reader had not taken everything when the time was over.</summary>
    public bool Unread { get; private set; }

    /// <summary>Begins a line; <see cref="End"/> ends it.</summary>
    public Utf8JsonWriter Begin(long nanoseconds, string name)
    {
        (_name, _time) = (name, nanoseconds);
        _line.ResetWrittenCount();
        _json.Reset();
        _json.WriteStartObject();
        _json.WriteNumber("t"u8, nanoseconds);
        _json.WriteString("event"u8, name);
        return _json;
    }

    /// <summary>Ends the line and passes it on.</summary>
    public void End()
    {
        _json.WriteEndObject();
        _json.Flush();
        lock (_gate)
        {
            if (_filling.WrittenCount + _line.WrittenCount >= _most)
            {
                Count(_dropped);
                Count(_droppedSince);
                return;
            }

            if (_droppedSince.Count > 0)
            {
                TellDropped();
            }

            _filling.Write(_line.WrittenSpan);
            _filling.Write("\n"u8);
        }

        _more.Set();
    }

    /// <summary>The run is over: what follows are its last lines, which have room.</summary>
    public void BeginEnd() => _most = MostAtEnd;

    /// <summary>Waits until all is written, at most two seconds. Once is enough.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_ending)
            {
                return;
            }

            _ending = true;
        }

        _more.Set();
        bool done = _writer.Join(TimeSpan.FromSeconds(2));
        Unread = !done;
        if (done)
        {
            _json.Dispose();
            _more.Dispose();
            if (_fd > 2)
            {
                HostProcess.Close(_fd);
            }
        }
    }

    private void Count(SortedDictionary<string, long> counts) =>
        counts[_name] = counts.GetValueOrDefault(_name) + 1;

    private void TellDropped()
    {
        using (var json = new Utf8JsonWriter(_filling))
        {
            json.WriteStartObject();
            json.WriteNumber("t"u8, _time);
            json.WriteString("event"u8, "dropped");
            json.WriteStartObject("count"u8);
            foreach ((string name, long count) in _droppedSince)
            {
                json.WriteNumber(name, count);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        _filling.Write("\n"u8);
        _droppedSince.Clear();
    }

    private void Drain()
    {
        while (true)
        {
            _more.WaitOne();
            bool ending;
            lock (_gate)
            {
                (_filling, _draining) = (_draining, _filling);
                ending = _ending;
            }

            if (!HostProcess.Write(_fd, _draining.WrittenSpan))
            {
                Broken = true;
                return;
            }

            _draining.ResetWrittenCount();
            if (ending)
            {
                return;
            }
        }
    }
}
