using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Interpose.Files;

/// <summary>Names of files, which are bytes, and their order.</summary>
public static class PathText
{
    /// <summary>By bytes, so that a directory comes before what is in it.</summary>
    public static Comparer<byte[]> Order { get; } =
        Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b));

    /// <summary>
    /// The name in one line that no terminal takes for a command: bytes that are no text, and
    /// characters that are not seen, as <c>\xNN</c> for each byte; a backslash doubled.
    /// </summary>
    public static string Show(ReadOnlySpan<byte> name)
    {
        var shown = new StringBuilder(name.Length);
        while (!name.IsEmpty)
        {
            bool isText = Rune.DecodeFromUtf8(name, out Rune rune, out int length)
                == System.Buffers.OperationStatus.Done;
            if (isText && rune.Value == '\\')
            {
                shown.Append(@"\\");
            }
            else if (isText && IsSeen(rune))
            {
                shown.Append(rune.ToString());
            }
            else
            {
                foreach (byte part in name[..length])
                {
                    shown.Append(CultureInfo.InvariantCulture, $"\\x{part:x2}");
                }
            }

            name = name[length..];
        }

        return shown.ToString();
    }

    /// <summary>Whether the bytes are text in UTF-8.</summary>
    public static bool IsText(ReadOnlySpan<byte> name) =>
        System.Text.Unicode.Utf8.IsValid(name);

    /// <summary>A name in a directory; the directory itself is the empty path.</summary>
    public static byte[] Join(ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name) =>
        directory.IsEmpty ? name.ToArray() : [.. directory, (byte)'/', .. name];

    /// <summary>The directory of a path, and its last name.</summary>
    public static (byte[] Directory, byte[] Name) Split(ReadOnlySpan<byte> path)
    {
        int slash = path.LastIndexOf((byte)'/');
        return slash < 0 ? ([], path.ToArray())
            : (path[..slash].ToArray(), path[(slash + 1)..].ToArray());
    }

    private static bool IsSeen(Rune rune) => Rune.GetUnicodeCategory(rune)
        is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse);
}
