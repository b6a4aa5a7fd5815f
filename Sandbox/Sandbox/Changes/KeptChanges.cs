using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Interpose.Abi;
using Interpose.Files;
using Interpose.Launch;
using Policies;

namespace Sandbox.Changes;

/// <summary>
/// A directory with what runs wrote to their copies: <c>--keep DIR</c>. It belongs to the user
/// alone, and is locked while a run, or a look at it, goes on.
/// </summary>
/// <remarks>
/// <c>manifest.json</c>, and for each tree a directory <c>N</c> with <c>upper</c> and <c>work</c>
/// as overlayfs wants them.
/// </remarks>
internal sealed class KeptChanges : IDisposable
{
    private const int ManifestMost = 16 << 20;
    private const int JournalMost = 1 << 30;
    private const int OfOwner = 0x1c0;
    private const int NamesMost = 100_000;
    private const string Use = "give a new or an empty directory, or one of an earlier run";
    private static readonly byte[] ManifestName = "manifest.json"u8.ToArray();
    private static readonly byte[] JournalName = "commit.journal"u8.ToArray();
    private readonly Folder _folder;
    private readonly OpenFile _lock;
    private bool _isMade;
    private bool _isFilled;

    private KeptChanges(string path, Folder folder, OpenFile @lock, KeptManifest? manifest) =>
        (Path, _folder, _lock, Manifest) = (path, folder, @lock, manifest!);

    /// <summary>The directory, without symbolic links.</summary>
    public string Path { get; }

    /// <summary>The descriptor that the lock is held by.</summary>
    public int Lock => _lock.Descriptor;

    /// <summary>What is known of the changes.</summary>
    public KeptManifest Manifest { get; private set; }

    /// <summary>Opens what a run has left.</summary>
    /// <param name="directory">As the user gave it.</param>
    /// <param name="alone">
    /// Whether nobody else may look at it meanwhile; null when the run that asks has it locked.
    /// </param>
    /// <exception cref="SetupException">It is no such directory, or is in use.</exception>
    public static KeptChanges Open(string directory, bool? alone)
    {
        KeptChanges opened = OpenFolder(directory, alone);
        if (opened.Manifest is null)
        {
            opened.Dispose();
            throw Problem(directory, Errno.ENOENT, "it has no manifest.json of a run's");
        }

        opened.OpenWork();

        return opened;
    }

    /// <summary>Takes a directory for a run.</summary>
    /// <param name="directory">As the user gave it; made when it is not there.</param>
    /// <exception cref="SetupException">It cannot be used.</exception>
    public static KeptChanges Claim(string directory)
    {
        Errno errno = HostProcess.MakeDirectory(directory);
        if (errno is not (Errno.None or Errno.EEXIST))
        {
            throw Problem(directory, errno, "make the directory above it");
        }

        KeptChanges claimed = OpenFolder(directory, alone: true);
        claimed._isMade = errno == Errno.None;
        return claimed;
    }

    /// <summary>Makes it ready, or finds it so, for copies of some trees.</summary>
    /// <param name="paths">The trees of the run, without symbolic links.</param>
    /// <param name="command">The command.</param>
    /// <exception cref="SetupException">It is for something else.</exception>
    public void Prepare(IReadOnlyList<string> paths, IReadOnlyList<string> command)
    {
        var roots = new List<KeptRoot>();
        var hosts = new List<FileStatus>();
        foreach (string path in paths)
        {
            using Folder real = Folder.Open(path);
            FileStatus host = real.Look();
            hosts.Add(host);
            roots.Add(new(path, host.Device, host.Inode));
        }

        if (Manifest is { } earlier)
        {
            CheckContinues(earlier, roots);
            return;
        }

        if (_folder.Names(NamesMost).Count > 0)
        {
            throw Problem(Path, Errno.ENOTEMPTY, Use);
        }

        _isFilled = true;
        using (OpenFile own = _folder.AsFile())
        {
            own.ChangeMode(OfOwner);
        }

        for (int i = 0; i < roots.Count; i++)
        {
            MakeRoot(NameOf(i), hosts[i]);
        }

        Save(new(HostProcess.NextInstant(), command, roots));
    }

    /// <summary>Takes back what was made for a run that has not come about.</summary>
    public void Abandon()
    {
        if (_isFilled)
        {
            Empty();
        }

        if (_isMade)
        {
            HostProcess.RemoveDirectory(Path);
        }
    }

    /// <summary>Where a tree's changes are: what a launch mounts.</summary>
    public string RootPath(int root) => $"{Path}/{root.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Opens the files of a tree.</summary>
    public Folder OpenUpper(int root) => _folder.Enter(
        [.. NameOf(root), .. "/upper"u8]);

    /// <summary>What a commit that was killed has left to do; null for nothing.</summary>
    /// <exception cref="SetupException">It cannot be read.</exception>
    public CommitJournal? Journal()
    {
        if (_folder.TryStat(JournalName) is not { } status)
        {
            return null;
        }

        if (status.Kind == FileKind.Regular && status.Size < JournalMost)
        {
            using OpenFile file = _folder.Read(JournalName);
            if (CommitJournal.Read(file.ReadAll((int)status.Size)) is { } journal)
            {
                return journal;
            }
        }

        throw Problem(Path, Errno.EINVAL, "its commit.journal is none of this version");
    }

    /// <summary>Takes note of what a commit is about to do, before it does so.</summary>
    public void Write(CommitJournal journal) => Save(JournalName, journal.Write());

    /// <summary>Takes note that nothing is left to do.</summary>
    public void RemoveJournal()
    {
        _folder.Remove(JournalName);
        _folder.Sync();
    }

    /// <summary>Whether a commit was killed on its way.</summary>
    public bool IsUnfinished => _folder.TryStat(JournalName) is not null;

    /// <summary>Fails where a commit was killed on its way.</summary>
    /// <exception cref="SetupException">It was.</exception>
    public void CheckFinished()
    {
        if (IsUnfinished)
        {
            throw Problem(
                Path, Errno.EBUSY, "a commit of it was killed: 'sandbox commit' finishes it");
        }
    }

    /// <summary>Takes note that the changes have been applied.</summary>
    public void MarkApplied() => Save(Manifest with { Applied = DateTimeOffset.UtcNow });

    /// <summary>Removes all that is in it.</summary>
    public void Empty()
    {
        foreach (byte[] name in _folder.Names(NamesMost))
        {
            _folder.Remove(name);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lock.Dispose();
        _folder.Dispose();
    }

    private static KeptChanges OpenFolder(string directory, bool? alone)
    {
        Errno errno = HostProcess.Resolve(directory, out string path, out bool isDirectory);
        errno = errno == Errno.None && !isDirectory ? Errno.ENOTDIR : errno;
        if (errno != Errno.None)
        {
            throw Problem(directory, errno, string.Empty);
        }

        Folder? folder = null;
        OpenFile? held = null;
        try
        {
            folder = Folder.Open(path);
            held = folder.AsFile();
            if (folder.Look().User != HostProcess.EffectiveIds.User)
            {
                throw Problem(path, Errno.EPERM, "it belongs to another user");
            }

            if (alone is { } asked && !held.TryLock(asked))
            {
                throw Problem(path, Errno.EBUSY, "a run, or a look at it, goes on");
            }

            var opened = new KeptChanges(path, folder, held, Load(folder, path));
            (folder, held) = (null, null);
            return opened;
        }
        finally
        {
            held?.Dispose();
            folder?.Dispose();
        }
    }

    private static KeptManifest? Load(Folder folder, string directory)
    {
        if (folder.TryStat(ManifestName) is not { } status)
        {
            return null;
        }

        if (status.Kind == FileKind.Regular)
        {
            using OpenFile file = folder.Read(ManifestName);
            if (KeptManifest.Read(file.ReadAll(ManifestMost)) is { } manifest)
            {
                return manifest;
            }
        }

        throw Problem(directory, Errno.EINVAL, "its manifest.json is none of this version");
    }

    private static byte[] NameOf(int root) =>
        Encoding.ASCII.GetBytes(root.ToString(CultureInfo.InvariantCulture));

    private static SetupException Problem(string directory, Errno errno, string why) =>
        new("cannot use", OneLine.Of(directory), errno, why);

    private void CheckContinues(KeptManifest earlier, List<KeptRoot> roots)
    {
        CheckFinished();
        if (earlier.Applied is { } when)
        {
            throw Problem(
                Path, Errno.EEXIST,
                $"its changes were applied at {KeptManifest.Text(when)}; {Use} that was not");
        }

        bool isSame = earlier.Roots.Count == roots.Count;
        for (int i = 0; isSame && i < roots.Count; i++)
        {
            isSame = earlier.Roots[i] == roots[i];
        }

        if (!isSame)
        {
            throw Problem(Path, Errno.EEXIST, $"it is of a run with other 'cow' paths; {Use}");
        }
    }

    /// <summary>The upper directory is what guests see the tree's own directory as.</summary>
    private void MakeRoot(byte[] name, in FileStatus host)
    {
        _folder.MakeDirectory(name);
        using Folder root = _folder.Enter(name);
        root.MakeDirectory("upper"u8);
        root.MakeDirectory("work"u8);
        using Folder upper = root.Enter("upper"u8);
        using OpenFile file = upper.AsFile();
        if (HostProcess.EffectiveIds.User == 0)
        {
            file.GiveTo(host.User, host.Group);
        }

        file.ChangeMode(host.Mode);
    }

    /// <summary>
    /// overlayfs leaves a directory without any mode in "work", which keeps whoever is not root
    /// from removing it all by rm(1).
    /// </summary>
    private void OpenWork()
    {
        for (int i = 0; i < Manifest.Roots.Count; i++)
        {
            using Folder work = _folder.Enter([.. NameOf(i), .. "/work"u8]);
            if (work.TryStat("work"u8) is { Kind: FileKind.Directory })
            {
                work.ChangeMode("work"u8, OfOwner);
            }
        }
    }

    private void Save(KeptManifest manifest)
    {
        Save(ManifestName, manifest.Write());
        Manifest = manifest;
    }

    /// <summary>A file is there as a whole, or as it was.</summary>
    private void Save(byte[] name, byte[] text)
    {
        byte[] made = [.. name, .. ".new"u8];
        _folder.Remove(made);
        using (OpenFile file = _folder.Make(made))
        {
            file.Write(text);
            file.Sync();
        }

        _folder.Replace(made, name);
        _folder.Sync();
    }
}
