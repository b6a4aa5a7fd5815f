using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Interpose.Files;

namespace Sandbox.Changes;

/// <summary>What one step of a commit does.</summary>
internal enum CommitAct
{
    /// <summary>A name that is free becomes that of what was made ready.</summary>
    Put,

    /// <summary>What was made ready and what is there change places.</summary>
    Exchange,

    /// <summary>What is there gets out of the way.</summary>
    Take,

    /// <summary>A directory gets other owners and mode.</summary>
    Set,
}

/// <summary>A step: one rename, or one change of a directory.</summary>
/// <param name="Act">Which.</param>
/// <param name="Change">What for.</param>
/// <param name="Directory">The directory, in the change's tree.</param>
/// <param name="Name">The name there; empty for the directory itself.</param>
/// <param name="Temporary">The name beside it; empty where none is needed.</param>
/// <param name="Made">What was made ready; null where nothing was.</param>
internal readonly record struct CommitStep(
    CommitAct Act, Change Change, byte[] Directory, byte[] Name, byte[] Temporary,
    FileStatus? Made = null);

/// <summary>
/// Makes all that is new ready beside where it goes, under other names: what can fail for lack of
/// space or permission fails here, and nothing has changed then.
/// </summary>
internal sealed class StagedChanges
{
    private const int SetIds = 0xc00;
    private const int SetUser = 0x800;
    private readonly IReadOnlyList<(Folder Upper, Folder Real)> _trees;
    private readonly Action _onPiece;
    private readonly string _mark = Guid.NewGuid().ToString("N")[..12];
    private readonly Dictionary<(int Root, string Path), byte[]> _made = [];
    private readonly Dictionary<(ulong, ulong), (int Root, byte[] Path)> _names = [];
    private readonly List<(Folder Real, byte[] Path, FileStatus Now)> _directories = [];
    private readonly List<CommitStep> _steps = [];

    /// <summary>Takes the trees; nothing is made yet.</summary>
    public StagedChanges(IReadOnlyList<(Folder Upper, Folder Real)> trees, Action onPiece) =>
        (_trees, _onPiece) = (trees, onPiece);

    /// <summary>What the names of all that is made ready have in common.</summary>
    public string Mark => _mark;

    /// <summary>The steps so far. Those with a temporary name have to be cleaned up.</summary>
    public IReadOnlyList<CommitStep> Steps => _steps;

    /// <summary>Makes all ready.</summary>
    /// <param name="changes">A directory before what is in it.</param>
    public void Make(IReadOnlyList<Change> changes)
    {
        foreach (Change change in changes)
        {
            Make(change);
        }

        // From the innermost, for what is made in a directory changes its time.
        for (int i = _directories.Count - 1; i >= 0; i--)
        {
            (Folder real, byte[] path, FileStatus now) = _directories[i];
            using Folder folder = real.Enter(path);
            using OpenFile file = folder.AsFile();
            file.GiveTo(now.User, now.Group);
            file.ChangeMode(now.Mode & ~SetUser);
            file.SetTimes(now.Modified);
            file.Sync();
        }
    }

    private static string KeyOf(byte[] path) => Encoding.Latin1.GetString(path);

    private void Make(Change change)
    {
        (byte[] directory, byte[] name) = PathText.Split(change.Path);
        if (change.Kind == ChangeKind.Deleted)
        {
            _steps.Add(new(CommitAct.Take, change, directory, name, NewName()));
            return;
        }

        FileStatus now = change.Now!.Value;
        if (change.Real is { Kind: FileKind.Directory } && now.Kind == FileKind.Directory)
        {
            _steps.Add(new(CommitAct.Set, change, change.Path, [], []));
            return;
        }

        // In a directory that is new itself it stands where it will be.
        if (_made.TryGetValue((change.Root, KeyOf(directory)), out byte[]? inside))
        {
            Make(change, inside, name, now);
            return;
        }

        byte[] temporary = NewName();
        _steps.Add(new(
            change.Real is null ? CommitAct.Put : CommitAct.Exchange, change, directory, name,
            temporary));
        Make(change, directory, temporary, now);
        using Folder folder = _trees[change.Root].Real.Enter(directory);
        _steps[^1] = _steps[^1] with { Made = folder.TryStat(temporary) };
    }

    private void Make(Change change, byte[] directory, byte[] name, FileStatus now)
    {
        (Folder upper, Folder real) = _trees[change.Root];
        using Folder to = real.Enter(directory);
        byte[] at = PathText.Join(directory, name);
        if (now.Kind == FileKind.Directory)
        {
            to.MakeDirectory(name);
            _made[(change.Root, KeyOf(change.Path))] = at;
            _directories.Add((real, at, now));
            return;
        }

        (byte[] fromDirectory, byte[] fromName) = PathText.Split(change.Path);
        using Folder from = upper.Enter(fromDirectory);
        if (now.Links > 1 && _names.TryGetValue((now.Device, now.Inode), out var other)
            && other.Root == change.Root)
        {
            (byte[] otherDirectory, byte[] otherName) = PathText.Split(other.Path);
            using Folder there = real.Enter(otherDirectory);
            to.AddName(name, there, otherName);
            return;
        }

        if (now.Kind == FileKind.Link)
        {
            to.MakeLink(name, from.LinkOf(fromName));
            if (to.TryStat(name) is { } link && (link.User, link.Group) != (now.User, now.Group))
            {
                to.ChangeOwner(name, now.User, now.Group);
            }

            to.SetTimes(name, now.Modified);
        }
        else
        {
            using OpenFile source = from.Read(fromName, now.Mode);
            using OpenFile file = to.Make(name);
            Copy(source, file, change, now);
        }

        _names[(now.Device, now.Inode)] = (change.Root, at);
    }

    private void Copy(OpenFile source, OpenFile file, Change change, in FileStatus now)
    {
        file.CopyFrom(source, _onPiece);
        file.GiveTo(now.User, now.Group);
        foreach (byte[] attribute in source.AttributeNames())
        {
            if (IsCarried(attribute) && source.Attribute(attribute) is { } value)
            {
                file.SetAttribute(attribute, value);
            }
        }

        // No run gives a program the rights of its owner: only one that had them keeps them.
        int kept = change is { Kind: ChangeKind.Metadata, Real: { } real }
            && (real.User, real.Group) == (now.User, now.Group) ? real.Mode & SetIds : 0;
        file.ChangeMode(now.Mode & (~SetIds | kept));
        file.SetTimes(now.Modified);
        file.Sync();
    }

    /// <summary>Attributes of the user's, and access lists; not what overlayfs notes.</summary>
    private static bool IsCarried(ReadOnlySpan<byte> name) =>
        (name.StartsWith("user."u8) && !name.StartsWith("user.overlay."u8))
        || name.SequenceEqual("system.posix_acl_access"u8);

    private byte[] NewName() => Encoding.ASCII.GetBytes(
        string.Create(
            CultureInfo.InvariantCulture, $"{CommitJournal.Prefix(_mark)}{_steps.Count}"));
}
