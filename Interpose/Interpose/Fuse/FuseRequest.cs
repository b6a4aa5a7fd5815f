using System;
using System.Diagnostics.CodeAnalysis;
using Interpose.Abi;

namespace Interpose.Fuse;

/// <summary>
/// A request broke the protocol: what it says cannot be trusted, so the mount ends.
/// </summary>
[SuppressMessage("Design", "CA1064", Justification = "It does not leave the worker.")]
[SuppressMessage("Design", "CA1032", Justification = "It says what is wrong.")]
internal sealed class MalformedRequestException(string what) : Exception(what);

/// <summary>A name in a request, with a zero byte behind it.</summary>
internal readonly unsafe struct FuseName(byte* text, int length)
{
    public readonly byte* Text = text;
    public readonly int Length = length;

    public ReadOnlySpan<byte> Bytes => new(Text, Length);
}

/// <summary>
/// One request, taken apart from front to back: struct fuse_in_header and what follows.
/// </summary>
internal unsafe ref struct FuseRequest
{
    private const int LongestName = 255;
    private readonly byte* _end;
    private byte* _at;

    /// <summary>Looks at a request as it was read.</summary>
    /// <exception cref="MalformedRequestException">It is not as long as it says.</exception>
    public FuseRequest(byte* bytes, int length)
    {
        Header = (fuse_in_header*)bytes;
        if (length < sizeof(fuse_in_header) || Header->len != length)
        {
            throw new MalformedRequestException("a request of another length than it says");
        }

        _at = bytes + sizeof(fuse_in_header);
        _end = bytes + length;
    }

    public readonly fuse_in_header* Header { get; }

    /// <summary>The next argument.</summary>
    public T* Take<T>()
        where T : unmanaged => (T*)TakeBytes((uint)sizeof(T));

    /// <summary>The next bytes.</summary>
    public byte* TakeBytes(uint length)
    {
        if (length > _end - _at)
        {
            throw new MalformedRequestException("a request without its argument");
        }

        byte* taken = _at;
        _at += length;
        return taken;
    }

    /// <summary>The next text, up to its zero byte.</summary>
    public FuseName TakeText()
    {
        int length = new ReadOnlySpan<byte>(_at, (int)(_end - _at)).IndexOf((byte)0);
        return length < 0 ? throw new MalformedRequestException("a text without an end")
            : new FuseName(TakeBytes((uint)length + 1), length);
    }

    /// <summary>The next text, which is one component of a path.</summary>
    public FuseName TakeName()
    {
        FuseName name = TakeText();
        ReadOnlySpan<byte> bytes = name.Bytes;
        if (bytes.IsEmpty || bytes.Contains((byte)'/') || bytes is [(byte)'.']
            || bytes.SequenceEqual(".."u8))
        {
            throw new MalformedRequestException("a name that is none");
        }

        return name;
    }

    /// <summary>Whether a name is longer than a file system can have one: ENAMETOOLONG.</summary>
    public static bool IsTooLong(FuseName name) => name.Length > LongestName;
}
