using System;
using System.Runtime.InteropServices;

namespace Interpose.Fuse;

/// <summary>struct linux_dirent64, up to its name: getdents64(2).</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Dirent
{
    public const byte Unknown = 0;
    public const byte CharacterDevice = 2;
    public const byte Directory = 4;

    public ulong Ino;
    public long Off;
    public ushort Length;
    public byte Type;

    /// <summary>The name of an entry where it lies.</summary>
    public static FuseName NameOf(Dirent* entry)
    {
        byte* text = &entry->Type + 1;
        return new(text, MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text).Length);
    }
}

/// <summary>
/// The names of a directory that lies in two trees, each once, as they were when it was read from
/// its begin. In memory of its own, for it may be long.
/// </summary>
internal sealed unsafe class MergedListing : IDisposable
{
    private const int FirstEntries = 64;
    private const int FirstBytes = 4096;
    private const int Alignment = 8;
    private byte* _bytes;
    private nuint _filled;
    private nuint _room;
    private nuint* _starts;
    private int* _table;
    private int _count;
    private int _most;

    /// <summary>How many names there are.</summary>
    public int Count => _count;

    /// <summary>One of them; its number is where a listing goes on.</summary>
    public Dirent* At(int index) => (Dirent*)(_bytes + _starts[index]);

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        (_filled, _count) = (0, 0);
        if (_table is not null)
        {
            new Span<int>(_table, _most * 2).Clear();
        }
    }

    /// <summary>The entry of a name; null: there is none.</summary>
    public Dirent* Find(ReadOnlySpan<byte> name)
    {
        if (_count == 0)
        {
            return null;
        }

        for (int slot = SlotOf(name); _table[slot] != 0; slot = Next(slot))
        {
            Dirent* entry = At(_table[slot] - 1);
            if (Dirent.NameOf(entry).Bytes.SequenceEqual(name))
            {
                return entry;
            }
        }

        return null;
    }

    /// <summary>Adds an entry whose name is not there, under a number and a type.</summary>
    public void Add(Dirent* entry, ulong ino)
    {
        FuseName name = Dirent.NameOf(entry);
        if (_count == _most)
        {
            Widen();
        }

        nuint length = (nuint)((sizeof(Dirent) + name.Length + Alignment) & ~(Alignment - 1));
        if (_filled + length > _room)
        {
            // SAFETY: freed by Dispose; what is in it is moved with it.
            _room = Math.Max(_room * 2, FirstBytes);
            _bytes = (byte*)NativeMemory.Realloc(_bytes, _room);
        }

        Buffer.MemoryCopy(
            entry, _bytes + _filled, (long)(_room - _filled), sizeof(Dirent) + name.Length + 1);
        _starts[_count] = _filled;
        At(_count)->Ino = ino;
        _filled += length;
        Enter(_count++);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_bytes);
        NativeMemory.Free(_starts);
        NativeMemory.Free(_table);
        _bytes = null;
        _starts = null;
        _table = null;
        (_count, _most, _filled, _room) = (0, 0, 0, 0);
    }

    private void Widen()
    {
        _most = Math.Max(_most * 2, FirstEntries);

        // SAFETY: freed by Dispose; the table has two places for each entry, so one is free.
        _starts = (nuint*)NativeMemory.Realloc(_starts, (nuint)_most * (nuint)sizeof(nuint));
        _table = (int*)NativeMemory.Realloc(_table, (nuint)_most * 2 * sizeof(int));
        new Span<int>(_table, _most * 2).Clear();
        for (int i = 0; i < _count; i++)
        {
            Enter(i);
        }
    }

    private void Enter(int index)
    {
        int slot = SlotOf(Dirent.NameOf(At(index)).Bytes);
        while (_table[slot] != 0)
        {
            slot = Next(slot);
        }

        _table[slot] = index + 1;
    }

    private int SlotOf(ReadOnlySpan<byte> name)
    {
        // FNV-1a.
        const uint basis = 2166136261;
        const uint prime = 16777619;
        uint hash = basis;
        foreach (byte b in name)
        {
            hash = (hash ^ b) * prime;
        }

        return (int)(hash % (uint)(_most * 2));
    }

    private int Next(int slot) => slot + 1 < _most * 2 ? slot + 1 : 0;
}
