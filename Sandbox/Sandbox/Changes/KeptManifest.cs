using System;
using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;

namespace Sandbox.Changes;

/// <summary>One copy-on-write of a run.</summary>
/// <param name="Path">The path of the real tree, without symbolic links.</param>
/// <param name="Device">Of the directory there: its file system.</param>
/// <param name="Inode">And its number.</param>
internal readonly record struct KeptRoot(string Path, ulong Device, ulong Inode);

/// <summary>What is known of kept changes: the file <c>manifest.json</c> beside them.</summary>
/// <param name="Since">
/// When the run began, in nanoseconds since the epoch: what of the real tree was changed later is
/// in conflict.
/// </param>
/// <param name="Command">The command of the run that began it.</param>
/// <param name="Roots">The trees; what was written to tree N is in the directory N.</param>
/// <param name="Applied">When the changes were applied; null while they are not.</param>
internal sealed record KeptManifest(
    long Since, IReadOnlyList<string> Command, IReadOnlyList<KeptRoot> Roots,
    DateTimeOffset? Applied = null)
{
    /// <summary>The version of the format.</summary>
    public const int Version = 1;

    private const int NanosecondsPerTick = 100;

    /// <summary>When the run began.</summary>
    public DateTimeOffset Began => DateTimeOffset.UnixEpoch.AddTicks(Since / NanosecondsPerTick);

    /// <summary>The file's content.</summary>
    public byte[] Write()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new() { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("version"u8, Version);
            json.WriteString("began"u8, Text(Began));
            json.WriteNumber("since_ns"u8, Since);
            json.WriteStartArray("command"u8);
            foreach (string word in Command)
            {
                json.WriteStringValue(word);
            }

            json.WriteEndArray();
            json.WriteStartArray("roots"u8);
            foreach (KeptRoot root in Roots)
            {
                json.WriteStartObject();
                json.WriteString("path"u8, root.Path);
                json.WriteNumber("device"u8, root.Device);
                json.WriteNumber("inode"u8, root.Inode);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            if (Applied is { } applied)
            {
                json.WriteString("applied"u8, Text(applied));
            }

            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads it back; null when it is none.</summary>
    public static KeptManifest? Read(byte[] text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            JsonElement json = document.RootElement;
            if (json.GetProperty("version"u8).GetInt32() != Version)
            {
                return null;
            }

            var words = new List<string>();
            foreach (JsonElement word in json.GetProperty("command"u8).EnumerateArray())
            {
                words.Add(word.GetString() ?? string.Empty);
            }

            var roots = new List<KeptRoot>();
            foreach (JsonElement root in json.GetProperty("roots"u8).EnumerateArray())
            {
                roots.Add(new(
                    root.GetProperty("path"u8).GetString() ?? string.Empty,
                    root.GetProperty("device"u8).GetUInt64(),
                    root.GetProperty("inode"u8).GetUInt64()));
            }

            DateTimeOffset? applied = json.TryGetProperty("applied"u8, out JsonElement when)
                ? when.GetDateTimeOffset() : null;
            bool isWhole = roots.TrueForAll(root => root.Path.StartsWith('/'));
            return isWhole
                ? new(json.GetProperty("since_ns"u8).GetInt64(), words, roots, applied) : null;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException
            or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    /// <summary>A time as reports have it.</summary>
    public static string Text(DateTimeOffset time) =>
        time.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
}
