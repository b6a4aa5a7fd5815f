using System;
using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Files;

namespace Sandbox.Changes;

/// <summary>
/// Compares what overlayfs kept of a run with the real tree. Whatever is kept was written by
/// guests: no link is followed, and nothing but regular files is opened.
/// </summary>
internal sealed class ChangeScan
{
    /// <summary>More differences than this are too many to judge.</summary>
    public const int Most = 1_000_000;

    private const int LongestPath = 3900;
    private static readonly byte[] Origin = "user.overlay.origin"u8.ToArray();
    private static readonly byte[] Opaque = "user.overlay.opaque"u8.ToArray();
    private readonly Folder _upper;
    private readonly Folder _real;
    private readonly int _root;
    private readonly List<Change> _changes;
    private readonly Stack<(byte[] Path, bool InReal, Change? Opaque)> _waiting = new();

    private ChangeScan(Folder upper, Folder real, int root, List<Change> changes) =>
        (_upper, _real, _root, _changes) = (upper, real, root, changes);

    /// <summary>Adds the differences of one tree, in the order of their paths.</summary>
    /// <param name="upper">What was kept.</param>
    /// <param name="real">What the run saw below it.</param>
    /// <param name="root">The number of the tree.</param>
    /// <param name="changes">Gets them.</param>
    /// <exception cref="FileFailure">Something cannot be read.</exception>
    public static void Add(Folder upper, Folder real, int root, List<Change> changes)
    {
        int first = changes.Count;
        var scan = new ChangeScan(upper, real, root, changes);
        FileStatus now = upper.Look();
        FileStatus before = real.Look();
        if (now.Mode != before.Mode)
        {
            scan.Note([], ChangeKind.Metadata, now, before);
        }

        scan._waiting.Push(([], true, null));
        while (scan._waiting.TryPop(out (byte[] Path, bool InReal, Change? Opaque) next))
        {
            scan.Look(next.Path, next.InReal, next.Opaque);
        }

        changes.Sort(
            first, changes.Count - first,
            Comparer<Change>.Create((a, b) => PathText.Order.Compare(a.Path, b.Path)));
    }

    private void Look(byte[] path, bool inReal, Change? opaque)
    {
        using Folder upper = _upper.Enter(path);
        using Folder? real = inReal ? _real.Enter(path) : null;
        var names = upper.Names(Most);
        foreach (byte[] name in names)
        {
            byte[] at = PathText.Join(path, name);
            if (at.Length > LongestPath)
            {
                throw new FileFailure("look at", at, Errno.ENAMETOOLONG);
            }

            FileStatus now = upper.TryStat(name) ?? throw new FileFailure(
                "statx of", at, Errno.ENOENT);
            FileStatus? before = real?.TryStat(name);
            if (now.IsWhiteout)
            {
                if (before is not null)
                {
                    Note(at, ChangeKind.Deleted, null, before);
                }
            }
            else if (now.Kind == FileKind.Directory)
            {
                LookAtDirectory(upper, name, at, now, before);
            }
            else
            {
                LookAtFile((upper, real), name, at, now, before);
            }
        }

        if (opaque is not null)
        {
            LookAtRest(opaque, names, real!);
        }
    }

    /// <summary>What a directory that was made anew no longer has.</summary>
    private void LookAtRest(Change opaque, List<byte[]> names, Folder real)
    {
        bool differs = !IsLike(opaque.Now!.Value, opaque.Real!.Value);
        foreach (byte[] name in real.Names(Most))
        {
            if (names.BinarySearch(name, PathText.Order) < 0)
            {
                differs = true;
                Note(
                    PathText.Join(opaque.Path, name), ChangeKind.Deleted, null,
                    real.TryStat(name));
            }
        }

        if (differs)
        {
            Note(opaque.Path, ChangeKind.Opaque, opaque.Now, opaque.Real);
        }
    }

    private void LookAtDirectory(
        Folder upper, byte[] name, byte[] at, FileStatus now, FileStatus? before)
    {
        bool isOpaque;
        bool wasCopied;
        using (Folder below = upper.Enter(name))
        using (OpenFile file = below.AsFile())
        {
            isOpaque = file.Attribute(Opaque) is [(byte)'y', ..];
            wasCopied = file.Attribute(Origin) is not null;
        }

        bool isBoth = before is { Kind: FileKind.Directory };
        Change? opaque = isBoth && isOpaque
            ? new(_root, at, ChangeKind.Opaque, now, before) : null;
        if (!isBoth)
        {
            Note(at, before is null ? ChangeKind.Created : ChangeKind.Type, now, before, wasCopied);
        }
        else if (opaque is null && !IsLike(now, before!.Value))
        {
            Note(at, ChangeKind.Metadata, now, before, wasCopied);
        }

        _waiting.Push((at, isBoth, opaque));
    }

    private void LookAtFile(
        (Folder Upper, Folder? Real) folders, byte[] name, byte[] at, FileStatus now,
        FileStatus? before)
    {
        bool wasCopied = false;
        bool isSame = before is { } other && other.Kind == now.Kind;
        if (now.Kind == FileKind.Regular)
        {
            using OpenFile file = folders.Upper.Read(name, now.Mode);
            wasCopied = file.Attribute(Origin) is not null;
            isSame = isSame && now.Size == before!.Value.Size
                && HasContentOf(file, folders.Real!, name, before.Value);
        }
        else if (isSame && now.Kind == FileKind.Link)
        {
            isSame = folders.Upper.LinkOf(name).AsSpan().SequenceEqual(
                folders.Real!.LinkOf(name));
        }
        else if (isSame)
        {
            isSame = now.Number == before!.Value.Number;
        }

        if (before is not { } real)
        {
            Note(at, ChangeKind.Created, now, null, wasCopied);
        }
        else if (real.Kind != now.Kind)
        {
            Note(at, ChangeKind.Type, now, before, wasCopied);
        }
        else if (!isSame)
        {
            Note(at, ChangeKind.Modified, now, before, wasCopied);
        }
        else if (!IsLike(now, real)
            || (now.Modified != real.Modified && now.Kind == FileKind.Regular))
        {
            Note(at, ChangeKind.Metadata, now, before, wasCopied);
        }
    }

    /// <summary>A real file that cannot be read counts as another.</summary>
    private static bool HasContentOf(
        OpenFile file, Folder real, byte[] name, in FileStatus before)
    {
        try
        {
            using OpenFile other = real.Read(name);
            return other.Look().Inode == before.Inode && file.HasContentOf(other);
        }
        catch (FileFailure e) when (e.Errno == Errno.EACCES)
        {
            return false;
        }
    }

    private static bool IsLike(in FileStatus a, in FileStatus b) =>
        (a.Kind == FileKind.Link || a.Mode == b.Mode) && a.User == b.User && a.Group == b.Group;

    private void Note(
        byte[] path, ChangeKind kind, FileStatus? now, FileStatus? real, bool wasCopied = false)
    {
        if (_changes.Count >= Most)
        {
            throw new FileFailure("list all changes to", path, Errno.E2BIG);
        }

        _changes.Add(new(_root, path, kind, now, real, wasCopied));
    }
}
