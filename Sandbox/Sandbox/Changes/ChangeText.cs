using System;
using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Interpose.Files;
using Policies;

namespace Sandbox.Changes;

/// <summary>Kept changes as <c>sandbox changes</c> writes them.</summary>
internal static class ChangeText
{
    private const int KindWidth = 9;

    /// <summary>A line for each, then their number.</summary>
    public static string Table(KeptManifest manifest, IReadOnlyList<Change> changes)
    {
        var text = new StringBuilder();
        foreach (Change change in changes)
        {
            text.Append(change.Name.PadRight(KindWidth)).Append(' ')
                .Append(PathOf(manifest, change)).Append(Detail(change)).Append('\n');
        }

        return text.Append(CultureInfo.InvariantCulture, $"{changes.Count} changes\n").ToString();
    }

    /// <summary>One object.</summary>
    public static byte[] Json(KeptManifest manifest, IReadOnlyList<Change> changes)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("version"u8, KeptManifest.Version);
            json.WriteString("began"u8, KeptManifest.Text(manifest.Began));
            json.WriteStartArray("command"u8);
            foreach (string word in manifest.Command)
            {
                json.WriteStringValue(word);
            }

            json.WriteEndArray();
            if (manifest.Applied is { } applied)
            {
                json.WriteString("applied"u8, KeptManifest.Text(applied));
            }

            json.WriteStartArray("changes"u8);
            foreach (Change change in changes)
            {
                Write(json, manifest, change);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The path of a change in the real tree, in one line.</summary>
    public static string PathOf(KeptManifest manifest, Change change)
    {
        string root = OneLine.Of(manifest.Roots[change.Root].Path);
        string path = change.Path.Length == 0 ? root
            : $"{(root == "/" ? "" : root)}/{PathText.Show(change.Path)}";
        return (change.Now ?? change.Real) is { Kind: FileKind.Directory } ? path + "/" : path;
    }

    private static string Detail(Change change) => change switch
    {
        { Kind: ChangeKind.Type, Now: { } now, Real: { } real } =>
            $" ({Change.TypeName(real.Kind)} -> {Change.TypeName(now.Kind)})",
        { Refused: not null, Now: { } now } => $" ({Change.TypeName(now.Kind)})",
        { Kind: ChangeKind.Metadata, Now: { } now, Real: { } real } =>
            now.Mode != real.Mode ? $" (mode {Octal(real.Mode)} -> {Octal(now.Mode)})"
            : now.User != real.User || now.Group != real.Group
                ? $" (owner {real.User}:{real.Group} -> {now.User}:{now.Group})"
            : " (time)",
        _ => string.Empty,
    };

    private static void Write(Utf8JsonWriter json, KeptManifest manifest, Change change)
    {
        json.WriteStartObject();
        json.WriteString("kind"u8, change.Name);
        json.WriteString("root"u8, manifest.Roots[change.Root].Path);
        json.WriteString("path"u8, PathText.IsText(change.Path)
            ? Encoding.UTF8.GetString(change.Path) : PathText.Show(change.Path));
        if (!PathText.IsText(change.Path))
        {
            json.WriteBase64String("path_bytes"u8, change.Path);
        }

        Write(json, "now"u8, change.Now);
        Write(json, "real"u8, change.Real);
        if (change.Refused is { } why)
        {
            json.WriteString("refused"u8, why);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ReadOnlySpan<byte> name, FileStatus? status)
    {
        if (status is not { } file)
        {
            return;
        }

        json.WriteStartObject(name);
        json.WriteString("type"u8, Change.TypeName(file.Kind));
        json.WriteString("mode"u8, Octal(file.Mode));
        json.WriteNumber("uid"u8, file.User);
        json.WriteNumber("gid"u8, file.Group);
        json.WriteNumber("size"u8, file.Size);
        json.WriteNumber("mtime_ns"u8, file.Modified);
        json.WriteEndObject();
    }

    private static string Octal(int mode) => Convert.ToString(mode, 8).PadLeft(4, '0');
}
