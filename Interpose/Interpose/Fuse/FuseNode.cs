using System;
using System.Runtime.InteropServices;

namespace Interpose.Fuse;

/// <summary>What makes two names the same node.</summary>
/// <param name="Device">Of the file system.</param>
/// <param name="Inode">Its number there.</param>
/// <param name="Rule">Of a directory, its rules; of other files null.</param>
/// <param name="Access">What guests can do with it.</param>
internal readonly record struct NodeKey(
    ulong Device, ulong Inode, ViewRule? Rule, ViewAccess Access);

/// <summary>
/// What the kernel knows by a number: a file or directory under one kind of access. Hard links
/// whose names allow the same are one node, others are several: the name decides.
/// </summary>
/// <remarks>
/// It is found again by its parent and its name there, so that it need not hold a descriptor; one
/// whose name is gone keeps it. Counts, parent and name are under the lock of
/// <see cref="FuseTree"/>.
/// </remarks>
internal sealed unsafe class FuseNode
{
    /// <summary>The kernel's number of it: the slot, and how often that was used before.</summary>
    public ulong Id;

    public NodeKey Key;
    public ViewRule Rule = null!;
    public ViewAccess Access;

    /// <summary>Its S_IFMT bits.</summary>
    public uint Type;

    /// <summary>When it was made, where the file system keeps that; in nanoseconds.</summary>
    public long Birth;

    /// <summary>The inode number that guests see.</summary>
    public ulong Ino;

    public FuseNode? Parent;
    public byte* Name;
    public int NameLength;

    /// <summary>How often the kernel was told of it and has not forgotten.</summary>
    public ulong Lookups;

    /// <summary>Requests at work on it.</summary>
    public int Uses;

    /// <summary>Nodes that have it for their parent.</summary>
    public int Children;

    /// <summary>Open handles of it.</summary>
    public int Handles;

    /// <summary>Whether it has lost the name by which it could be opened again.</summary>
    public bool IsNameless;

    /// <summary>Whether it was used since the last look for descriptors to close.</summary>
    public bool IsRecent;

    /// <summary>Whether it stands in the table of keys.</summary>
    public bool IsKnown;

    /// <summary>Whether the real file has set-ID bits, which guests do not see.</summary>
    public volatile bool HasSetId;

    /// <summary>O_PATH in the real tree; -1: not held.</summary>
    public int Lower = -1;

    /// <summary>O_PATH in the tree of copies; -1: not held.</summary>
    public int Upper = -1;

    /// <summary>Whether it is in the real tree, and counts there.</summary>
    public volatile bool HasLower;

    /// <summary>Whether it is in the tree of copies.</summary>
    public volatile bool HasUpper;

    /// <summary>For reads without an open; -1: not held.</summary>
    public int Data = -1;

    /// <summary>What cached data belongs to: the time of the last change, and the size.</summary>
    public long Modified = long.MinValue;

    public long Size;

    /// <summary>The kernel's number of the file for passthrough; 0: none.</summary>
    public int Backing;

    /// <summary>Opens by passthrough, and others.</summary>
    public int BackedOpens;

    public int OtherOpens;

    public ReadOnlySpan<byte> NameBytes => new(Name, NameLength);

    public void SetName(ReadOnlySpan<byte> name)
    {
        NativeMemory.Free(Name);

        // SAFETY: as long as the name and its zero byte; freed here and by Clear.
        Name = (byte*)NativeMemory.Alloc((nuint)name.Length + 1);
        name.CopyTo(new Span<byte>(Name, name.Length));
        Name[name.Length] = 0;
        NameLength = name.Length;
    }

    public void Clear()
    {
        NativeMemory.Free(Name);
        Name = null;
        (NameLength, Parent, Rule, Key) = (0, null, null!, default);
        (Lower, Upper, Data, Handles, Backing) = (-1, -1, -1, 0, 0);
        (BackedOpens, OtherOpens, Modified, Size) = (0, 0, long.MinValue, 0);
        (HasLower, HasUpper, HasSetId) = (false, false, false);
        (IsNameless, IsRecent, IsKnown) = (false, false, false);
    }
}
