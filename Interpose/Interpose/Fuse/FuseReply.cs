using System;
using System.Runtime.InteropServices;
using Interpose.Abi;

namespace Interpose.Fuse;

/// <summary>
/// The answer to one request: room for what an operation says, and what is to be taken back when
/// the kernel does not take it. The worker sends it, once, whatever the operation did.
/// </summary>
internal sealed unsafe class FuseReply : IDisposable
{
    private readonly byte* _bytes;
    private readonly int _room;

    /// <summary>Room for so many bytes behind the header.</summary>
    public FuseReply(int room)
    {
        const int page = 4096;
        _room = room;

        // SAFETY: freed by Dispose; the header and the room.
        _bytes = (byte*)NativeMemory.AlignedAlloc((nuint)(room + sizeof(fuse_out_header)), page);
    }

    /// <summary>Where what is said begins.</summary>
    public byte* Body => _bytes + sizeof(fuse_out_header);

    /// <summary>How much can be said.</summary>
    public int Room => _room;

    /// <summary>How much is said so far.</summary>
    public int Length { get; private set; }

    /// <summary>The node that the kernel will know one time more by this answer.</summary>
    public FuseNode? Entry { get; set; }

    /// <summary>The handle that the kernel will have by this answer.</summary>
    public FuseHandle? Handle { get; set; }

    /// <summary>Whether it is a listing by which the kernel will know nodes.</summary>
    public bool IsListing { get; set; }

    /// <summary>Whether the request is to end early: FUSE_INTERRUPT.</summary>
    public volatile bool IsInterrupted;

    /// <summary>Begins anew.</summary>
    public void Reset()
    {
        Length = 0;
        Entry = null;
        Handle = null;
        IsListing = false;
    }

    /// <summary>Says one more struct, of zeros first.</summary>
    public T* Add<T>()
        where T : unmanaged
    {
        var added = (T*)(Body + Length);
        Grow(sizeof(T));
        *added = default;
        return added;
    }

    /// <summary>What was written behind what is said counts as said.</summary>
    public void Grow(int length)
    {
        if (length < 0 || length > _room - Length)
        {
            throw new InvalidOperationException("an answer longer than its room");
        }

        Length += length;
    }

    /// <summary>The whole of it as the kernel takes it; an error says nothing else.</summary>
    public ReadOnlySpan<byte> Finish(ulong unique, Errno errno)
    {
        int length = sizeof(fuse_out_header) + (errno == Errno.None ? Length : 0);
        *(fuse_out_header*)_bytes = new fuse_out_header
        {
            len = (uint)length,
            error = -(int)errno,
            unique = unique,
        };
        return new(_bytes, length);
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.AlignedFree(_bytes);
}
