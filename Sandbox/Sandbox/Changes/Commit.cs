using System;
using System.Collections.Generic;
using System.Text;
using Interpose.Abi;
using Interpose.Files;
using Interpose.Launch;

namespace Sandbox.Changes;

/// <summary>What became of a commit.</summary>
internal enum CommitState
{
    /// <summary>All changes are in the real tree.</summary>
    Applied,

    /// <summary>Something stands against it: nothing is changed.</summary>
    Refused,

    /// <summary>It failed; nothing is changed.</summary>
    Failed,

    /// <summary>It failed and could not be undone: some changes are in the real tree.</summary>
    Partial,
}

/// <summary>The outcome of a commit.</summary>
/// <param name="State">What became of it.</param>
/// <param name="Changes">How many changes were applied, or stood to be.</param>
/// <param name="Problems">Why not, a line each.</param>
internal sealed record CommitOutcome(
    CommitState State, int Changes, IReadOnlyList<string> Problems);

/// <summary>
/// Applies kept changes to the real tree. All are checked, then all that is new is made ready,
/// then names change places one by one, each atomically (renameat2(2)). What was there before
/// stays beside it until the last step went well, so that a failure is undone.
/// </summary>
internal sealed partial class Commit
{
    private const int ProblemsMost = 20;
    private readonly KeptChanges _kept;
    private readonly Action _onPiece;
    private readonly IReadOnlyList<(Folder Upper, Folder Real)> _trees;
    private readonly List<string> _problems = [];
    private readonly List<CommitStep> _done = [];
    private List<Change> _changes = [];
    private string _mark = string.Empty;

    private Commit(KeptChanges kept, KeptTrees trees, Action onPiece) =>
        (_kept, _onPiece, _trees) = (kept, onPiece, trees.All);

    /// <summary>Applies them; nothing is thrown for what the host refuses.</summary>
    /// <param name="kept">The changes, locked.</param>
    /// <param name="onPiece">Called again and again while it goes on.</param>
    public static CommitOutcome Run(KeptChanges kept, Action onPiece)
    {
        CommitJournal? journal = kept.Journal();
        if (journal is null && kept.Manifest.Applied is { } when)
        {
            return new(
                CommitState.Refused, 0, [$"they were applied at {KeptManifest.Text(when)}"]);
        }

        try
        {
            using var trees = new KeptTrees(kept);
            var commit = new Commit(kept, trees, onPiece);
            commit._mark = journal?.Mark ?? string.Empty;
            return journal?.Steps is { } steps ? commit.Finish(steps, journal.Changes)
                : commit.Run(trees, journal);
        }
        catch (FileFailure e)
        {
            return new(CommitState.Failed, 0, [e.Message]);
        }
    }

    private CommitOutcome Run(KeptTrees trees, CommitJournal? killed)
    {
        _changes = trees.Changes();
        long sinceFound = _kept.Manifest.Since;
        if (killed is not null)
        {
            RemoveMade(CommitJournal.Prefix(killed.Mark));
            _kept.RemoveJournal();
            _changes = trees.Changes();
            sinceFound = HostProcess.NextInstant();
        }

        foreach (Change change in _changes)
        {
            if (RealTree.Conflict(
                _trees[change.Root].Real, change, _kept.Manifest.Since, sinceFound) is { } why)
            {
                Refuse(change, why);
            }

            _onPiece();
        }

        if (_problems.Count > 0)
        {
            return Outcome(CommitState.Refused);
        }

        var staged = new StagedChanges(_trees, _onPiece);
        _mark = staged.Mark;
        _kept.Write(new(_mark, _changes.Count, null));
        try
        {
            staged.Make(_changes);
            CheckAgain();
            if (_problems.Count > 0)
            {
                return CleanUp(staged.Steps, CommitState.Refused, _changes.Count);
            }

            _kept.Write(new(_mark, _changes.Count, staged.Steps));
        }
        catch (FileFailure e)
        {
            _problems.Add(e.Message);
            return CleanUp(staged.Steps, CommitState.Failed, _changes.Count);
        }

        return Finish(staged.Steps, _changes.Count);
    }

    /// <summary>Takes all steps that have not been taken yet.</summary>
    private CommitOutcome Finish(IReadOnlyList<CommitStep> steps, int changes)
    {
        if (_kept.Manifest.Applied is not null)
        {
            return CleanUp(steps, CommitState.Applied, changes);
        }

        try
        {
            foreach (CommitStep step in steps)
            {
                Do(step);
                _onPiece();
            }

            Sync();
            _kept.MarkApplied();
        }
        catch (FileFailure e)
        {
            _problems.Add(e.Message);
            return Undo() ? CleanUp(steps, CommitState.Failed, changes)
                : new(CommitState.Partial, changes, _problems);
        }

        return CleanUp(steps, CommitState.Applied, changes);
    }

    private CommitOutcome Outcome(CommitState state) => new(state, _changes.Count, _problems);

    private void Refuse(Change change, string why)
    {
        if (_problems.Count < ProblemsMost)
        {
            _problems.Add($"{ChangeText.PathOf(_kept.Manifest, change)}: {why}");
        }
        else if (_problems.Count == ProblemsMost)
        {
            _problems.Add("and others");
        }
    }

    /// <summary>Making ready takes time.</summary>
    private void CheckAgain()
    {
        foreach (Change change in _changes)
        {
            if (change.Real is not { } before || before.Kind == FileKind.Directory)
            {
                continue;
            }

            (byte[] directory, byte[] name) = PathText.Split(change.Path);
            using Folder folder = _trees[change.Root].Real.Enter(directory);
            if (!RealTree.IsAsBefore(folder.TryStat(name), before))
            {
                Refuse(change, "it was changed while the commit went on");
            }
        }
    }

    private void Do(in CommitStep step)
    {
        using Folder folder = _trees[step.Change.Root].Real.Enter(step.Directory);
        if (step.Act == CommitAct.Set)
        {
            using OpenFile directory = folder.AsFile();
            Set(directory, step.Change.Now!.Value, step.Change.Path.Length > 0);
            _done.Add(step);
            return;
        }

        Errno errno = IsDone(step, folder) ? Errno.None : Rename(folder, step, isUndo: false);
        if (errno != Errno.None)
        {
            throw new FileFailure(
                errno == Errno.EINVAL && step.Act == CommitAct.Exchange
                    ? "exchange (which this file system may not know) of" : "rename of",
                PathText.Join(step.Directory, step.Name), errno);
        }

        _done.Add(step);
        if (step.Act != CommitAct.Put
            && (folder.TryStat(step.Temporary) is not { } old
                || !RealTree.IsSameFile(old, step.Change.Real!.Value)))
        {
            throw new FileFailure(
                "replace what changed meanwhile at", PathText.Join(step.Directory, step.Name),
                Errno.EBUSY);
        }
    }

    private static Errno Rename(Folder folder, in CommitStep step, bool isUndo)
    {
        bool isTake = step.Act == CommitAct.Take;
        return isTake != isUndo
            ? folder.TryRename(step.Name, step.Temporary, step.Act == CommitAct.Exchange)
            : folder.TryRename(step.Temporary, step.Name, step.Act == CommitAct.Exchange);
    }

    private static void Set(OpenFile directory, in FileStatus to, bool withOwner)
    {
        const int setUser = 0x800;
        if (withOwner)
        {
            directory.GiveTo(to.User, to.Group);
        }

        directory.ChangeMode(to.Mode & ~setUser);
    }

    /// <summary>Takes back what was done; whether all of it could be.</summary>
    private bool Undo()
    {
        bool all = true;
        for (int i = _done.Count - 1; i >= 0; i--)
        {
            CommitStep step = _done[i];
            try
            {
                using Folder folder = _trees[step.Change.Root].Real.Enter(step.Directory);
                if (step.Act == CommitAct.Set)
                {
                    using OpenFile directory = folder.AsFile();
                    Set(directory, step.Change.Real!.Value, step.Change.Path.Length > 0);
                    continue;
                }

                Errno errno = Rename(folder, step, isUndo: true);
                if (errno == Errno.None)
                {
                    continue;
                }

                Say(step, errno.Describe());
            }
            catch (FileFailure e)
            {
                Say(step, e.Message);
            }

            all = false;
        }

        return all;
    }

    private void Say(in CommitStep step, string why)
    {
        string old = step.Temporary.Length == 0 ? string.Empty
            : $" (what was there is {Encoding.ASCII.GetString(step.Temporary)} beside it)";
        _problems.Add(
            "applied and not undone: "
                + $"{ChangeText.PathOf(_kept.Manifest, step.Change)}{old}: {why}");
    }

    private void Sync()
    {
        var synced = new HashSet<(int, string)>();
        foreach (CommitStep step in _done)
        {
            if (synced.Add((step.Change.Root, Encoding.Latin1.GetString(step.Directory))))
            {
                using Folder folder = _trees[step.Change.Root].Real.Enter(step.Directory);
                folder.Sync();
                _onPiece();
            }
        }
    }

    /// <summary>Removes what has a temporary name: what was replaced, or not needed.</summary>
    private CommitOutcome CleanUp(IReadOnlyList<CommitStep> steps, CommitState state, int changes)
    {
        bool isClean = true;
        foreach (CommitStep step in steps)
        {
            if (step.Temporary.Length == 0)
            {
                continue;
            }

            try
            {
                using Folder folder = _trees[step.Change.Root].Real.Enter(step.Directory);
                folder.Remove(step.Temporary);
            }
            catch (FileFailure e)
            {
                isClean = false;
                _problems.Add($"left behind, until the next 'sandbox commit': {e.Message}");
            }

            _onPiece();
        }

        if (isClean)
        {
            _kept.RemoveJournal();
        }
        else if (state != CommitState.Applied)
        {
            _kept.Write(new(_mark, changes, null));
        }

        return new(state, changes, _problems);
    }
}
