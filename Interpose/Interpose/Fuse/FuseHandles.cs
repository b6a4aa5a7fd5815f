using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using Interpose.LibC;

namespace Interpose.Fuse;

/// <summary>An open file or directory.</summary>
internal sealed unsafe class FuseHandle
{
    /// <summary>The kernel's number of it: the slot, and how often that was used before.</summary>
    public ulong Id;

    public FuseNode Node = null!;
    public int Fd = -1;

    /// <summary>Whether the kernel reads and writes it itself.</summary>
    public bool IsBacked;

    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory;

    /// <summary>Whether it was opened before the file was copied, and reads the real one.</summary>
    public bool IsOfLower;

    /// <summary>Entries of a directory as getdents64(2) gives them, from here to there.</summary>
    public byte* Entries;

    public int EntriesAt;
    public int EntriesEnd;

    /// <summary>Where the next entry of a listing stands.</summary>
    public long Next;

    /// <summary>The names of a directory of two trees.</summary>
    public MergedListing? Merged;
}

/// <summary>The handles that the kernel has.</summary>
internal sealed unsafe class FuseHandles : IDisposable
{
    /// <summary>Bytes of entries that are read at once.</summary>
    public const int EntriesRoom = 32 * 1024;

    private const int GenerationShift = 32;
    private readonly Lock _lock = new();
    private readonly Stack<FuseHandle> _free = new();
    private FuseHandle[] _handles = new FuseHandle[64];
    private int _count = 1;

    /// <summary>How many are open.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _count - 1 - _free.Count;
            }
        }
    }

    /// <summary>A handle of a number; null: there is none.</summary>
    public FuseHandle? Find(ulong id)
    {
        FuseHandle[] handles = Volatile.Read(ref _handles);
        uint slot = (uint)id;
        FuseHandle? handle = slot < (uint)handles.Length ? handles[slot] : null;
        return handle is { Fd: >= 0 } && handle.Id == id ? handle : null;
    }

    /// <summary>Takes over a descriptor.</summary>
    public FuseHandle Add(FuseNode node, int fd)
    {
        lock (_lock)
        {
            if (!_free.TryPop(out FuseHandle? handle))
            {
                if (_count == _handles.Length)
                {
                    var larger = new FuseHandle[_count * 2];
                    _handles.CopyTo(larger, 0);
                    Volatile.Write(ref _handles, larger);
                }

                handle = new FuseHandle { Id = (ulong)_count };
                _handles[_count++] = handle;
            }

            (handle.Node, handle.Fd) = (node, fd);
            return handle;
        }
    }

    /// <summary>Closes one.</summary>
    public void Remove(FuseHandle handle)
    {
        Posix.Close(handle.Fd);
        lock (_lock)
        {
            (handle.Fd, handle.Node, handle.Next) = (-1, null!, 0);
            (handle.IsBacked, handle.IsDirectory, handle.IsOfLower) = (false, false, false);
            (handle.EntriesAt, handle.EntriesEnd) = (0, 0);
            handle.Merged?.Dispose();
            handle.Merged = null;
            handle.Id += 1UL << GenerationShift;
            _free.Push(handle);
        }
    }

    /// <summary>The room for entries, which a handle that is used again keeps.</summary>
    public static byte* RoomOf(FuseHandle handle)
    {
        // SAFETY: freed by Dispose of the table, which holds every handle there ever was.
        handle.Entries = handle.Entries is null
            ? (byte*)NativeMemory.Alloc(EntriesRoom) : handle.Entries;
        return handle.Entries;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (int i = 1; i < _count; i++)
        {
            FuseHandle handle = _handles[i];
            if (handle.Fd >= 0)
            {
                Posix.Close(handle.Fd);
                handle.Fd = -1;
            }

            NativeMemory.Free(handle.Entries);
            handle.Entries = null;
            handle.Merged?.Dispose();
        }
    }
}
