using System;
using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using Interpose.Abi;

namespace Interpose.LibC;

/// <summary>
/// A name below /proc as an interpolated string that is written to the stack, in UTF-8 and with a
/// zero byte behind it: what is read at each creation allocates nothing.
/// </summary>
/// <remarks>Names that do not fit are a bug: none is longer than numbers make it.</remarks>
[InterpolatedStringHandler]
internal struct ProcPath
{
    private const int Size = 64;
    private Bytes _bytes;
    private int _length;

    /// <summary>As the compiler calls it.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public ProcPath(int literalLength, int formattedCount)
    {
        _ = literalLength;
        _ = formattedCount;
    }

    /// <summary>The name with its zero byte.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Text => ((ReadOnlySpan<byte>)_bytes)[..(_length + 1)];

    public void AppendLiteral(string text) => AppendFormatted(text);

    public void AppendFormatted(string text) =>
        _length += Encoding.UTF8.GetBytes(text, Room);

    public void AppendFormatted(HostTid tid) => AppendFormatted(tid.Value);

    public void AppendFormatted(int number)
    {
        if (!number.TryFormat(Room, out int written))
        {
            throw new ArgumentException("a name below /proc is short");
        }

        _length += written;
    }

    [UnscopedRef]
    private Span<byte> Room => ((Span<byte>)_bytes)[_length..(Size - 1)];

    [InlineArray(Size)]
    private struct Bytes
    {
        private byte _first;
    }
}
