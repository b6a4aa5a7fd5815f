using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Pipes;
using System.Linq;
using System.Text;
using System.Text.Json;
using Sandbox.Reports;

namespace Sandbox.Tests;

/// <summary>Events and a reader that is slow, gone, or never there.</summary>
public sealed class EventStreamTests
{
    private const int LineLength = 4096;

    /// <summary>More than both of its buffers and the pipe hold.</summary>
    private const int Many = 20 * 1024 * 1024 / LineLength;

    [Fact]
    public void Each_event_is_a_line_of_json_in_the_order_it_came()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var stream = new EventStream(WriteEnd(pipe));
        for (int i = 0; i < 5; i++)
        {
            Utf8JsonWriter json = stream.Begin(i, "exec");
            json.WriteString("path", "a\n\u001b[2J\"" + i);
            stream.End();
        }

        stream.Dispose();
        JsonElement[] lines = [.. Lines(ReadToEnd(pipe))];
        Assert.Equal([0, 1, 2, 3, 4], lines.Select(l => l.GetProperty("t").GetInt32()));
        Assert.All(lines, l => Assert.Equal("exec", l.GetProperty("event").GetString()));
        Assert.Equal("a\n\u001b[2J\"4", lines[4].GetProperty("path").GetString());
        Assert.Empty(stream.Dropped);
        Assert.False(stream.Broken || stream.Unread);
    }

    /// <summary>If writing waited for the reader, who is this thread itself, it never ended.</summary>
    [Fact]
    public void Nobody_waits_for_a_slow_reader_and_it_is_told_what_it_missed_and_where()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var stream = new EventStream(WriteEnd(pipe));
        var written = new SortedDictionary<string, int> { ["clone"] = 0, ["exit"] = 0 };
        for (int i = 0; i < Many; i++)
        {
            string name = i % 3 == 0 ? "exit" : "clone";
            written[name]++;
            Write(stream, i, name);
        }

        int dropped = (int)stream.Dropped.Values.Sum();
        Assert.InRange(dropped, 1, Many);
        Assert.Equal(["clone", "exit"], stream.Dropped.Keys);

        // What was kept comes whole; then there is room, and the loss is told there.
        JsonElement[] kept = [.. Lines(ReadExactly(pipe, (Many - dropped) * LineLength))];
        Assert.Equal(Enumerable.Range(0, kept.Length), kept.Select(l => l.GetProperty("t").GetInt32()));
        foreach ((string name, int count) in written)
        {
            int came = kept.Count(l => l.GetProperty("event").GetString() == name);
            Assert.Equal(count - came, stream.Dropped[name]);
        }

        Write(stream, Many, "exec");
        stream.Dispose();
        JsonElement[] rest = [.. Lines(ReadToEnd(pipe))];
        Assert.Equal(["dropped", "exec"], rest.Select(l => l.GetProperty("event").GetString()));
        Assert.Equal(Many, rest[0].GetProperty("t").GetInt32());
        Assert.Equal(stream.Dropped, Counts(rest[0]));
    }

    [Fact]
    public void The_last_lines_of_a_run_have_room_though_the_buffer_is_full()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var stream = new EventStream(WriteEnd(pipe));
        for (int i = 0; i < Many; i++)
        {
            Write(stream, i, "clone");
        }

        int kept = Many - (int)stream.Dropped["clone"];
        stream.BeginEnd();
        for (int i = 0; i < 200; i++)
        {
            Write(stream, Many + i, "denied");
        }

        Write(stream, Many + 200, "result");
        Assert.Equal(["clone"], stream.Dropped.Keys);

        byte[] first = ReadExactly(pipe, kept * LineLength);
        Assert.Equal(kept, Lines(first).Count());
        JsonElement[] rest = [.. Lines(ReadUntil(pipe, "\"event\":\"result\""))];
        Assert.Equal("dropped", rest[0].GetProperty("event").GetString());
        Assert.Equal(stream.Dropped, Counts(rest[0]));
        Assert.Equal(
            [.. Enumerable.Repeat("denied", 200), "result"],
            rest.Skip(1).Select(l => l.GetProperty("event").GetString()));
        stream.Dispose();
        Assert.False(stream.Unread);
        Assert.Empty(ReadToEnd(pipe));
    }

    [Fact]
    public void A_reader_that_is_gone_breaks_the_stream_and_nothing_else()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var stream = new EventStream(WriteEnd(pipe));
        pipe.Dispose();
        for (int i = 0; i < Many; i++)
        {
            Write(stream, i, "clone");
        }

        stream.Dispose();
        Assert.True(stream.Broken);
        Assert.False(stream.Unread);
    }

    [Fact]
    public void A_reader_that_never_reads_does_not_keep_the_end_from_coming()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var stream = new EventStream(WriteEnd(pipe));
        for (int i = 0; i < 100; i++)
        {
            Write(stream, i, "clone");
        }

        stream.Dispose();
        Assert.True(stream.Unread);
        Assert.Empty(stream.Dropped);
    }

    /// <summary>Writes a line of <see cref="LineLength"/> bytes.</summary>
    private static void Write(EventStream stream, int number, string name)
    {
        Utf8JsonWriter json = stream.Begin(number, name);
        json.Flush();
        json.WriteString("pad", new string('x', LineLength - (int)json.BytesCommitted - 11));
        stream.End();
    }

    /// <summary>The write end, which the stream takes over.</summary>
    private static int WriteEnd(AnonymousPipeServerStream pipe)
    {
        int fd = (int)pipe.ClientSafePipeHandle.DangerousGetHandle();
        pipe.ClientSafePipeHandle.SetHandleAsInvalid();
        return fd;
    }

    private static SortedDictionary<string, long> Counts(JsonElement dropped)
    {
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (JsonProperty count in dropped.GetProperty("count").EnumerateObject())
        {
            counts.Add(count.Name, count.Value.GetInt64());
        }

        return counts;
    }

    private static IEnumerable<JsonElement> Lines(byte[] bytes)
    {
        string text = Encoding.UTF8.GetString(bytes);
        Assert.EndsWith("}\n", text, StringComparison.Ordinal);
        return text[..^1].Split('\n').Select(line => JsonDocument.Parse(line).RootElement);
    }

    private static byte[] ReadExactly(AnonymousPipeServerStream pipe, int count)
    {
        byte[] bytes = new byte[count];
        pipe.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Reads to the end of the line in which some words are.</summary>
    private static byte[] ReadUntil(AnonymousPipeServerStream pipe, string words)
    {
        using var all = new MemoryStream();
        byte[] buffer = new byte[65536];
        do
        {
            int read = pipe.Read(buffer);
            Assert.NotEqual(0, read);
            all.Write(buffer, 0, read);
        }
        while (!Ends(all, Encoding.UTF8.GetBytes(words)));
        return all.ToArray();
    }

    private static bool Ends(MemoryStream all, byte[] words)
    {
        ReadOnlySpan<byte> bytes = all.GetBuffer().AsSpan(0, (int)all.Length);
        int last = bytes[..^1].LastIndexOf((byte)'\n');
        return bytes[^1] == '\n' && bytes[(last + 1)..].IndexOf(words) >= 0;
    }

    private static byte[] ReadToEnd(AnonymousPipeServerStream pipe)
    {
        using var all = new MemoryStream();
        pipe.CopyTo(all);
        return all.ToArray();
    }
}
