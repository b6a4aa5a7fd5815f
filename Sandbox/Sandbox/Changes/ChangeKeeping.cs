using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Interpose.Abi;
using Interpose.Files;
using Interpose.Isolation;
using Interpose.Launch;
using Policies;
using Sandbox.Reports;
using Sandbox.Supervisor;

namespace Sandbox.Changes;

/// <summary>
/// What <c>--keep</c> and <c>--commit</c> do around a run. The supervisor may change no file once
/// guests run, so a helper that was started before does the commit.
/// </summary>
internal sealed class ChangeKeeping : IDisposable
{
    /// <summary>What the helper is told: to commit.</summary>
    public const byte Go = (byte)'c';

    /// <summary>What it says while it goes on.</summary>
    public const byte Working = (byte)'.';

    private const int Patience = 60_000;
    private const string Missing = "a path that is cow";
    private readonly KeptChanges _kept;
    private readonly HelperProcess? _helper;
    private readonly Log _log;

    private ChangeKeeping(
        KeptChanges kept, HelperProcess? helper, LaunchSpec launch, Log log) =>
        (_kept, _helper, Launch, _log) = (kept, helper, launch, log);

    /// <summary>The command, whose copies go to the directory.</summary>
    public LaunchSpec Launch { get; }

    /// <summary>What is wrong with the options under a policy; null when nothing is.</summary>
    public static string? Check(string? keep, bool commit, Policy? policy)
    {
        bool copies = policy is null or { Filesystem.Default.Value: FileAccess.Cow };
        foreach (PathRule rule in policy?.Filesystem.Paths ?? [])
        {
            copies |= rule.Access == FileAccess.Cow;
        }

        return copies || (keep is null && !commit) ? null
            : $"{(keep is null ? "--commit" : "--keep")} needs {Missing}; add one by --cow PATH";
    }

    /// <summary>Prepares a run for it; null when it asks for neither.</summary>
    /// <param name="keep">The directory of <c>--keep</c>; null for none.</param>
    /// <param name="commit">Whether there is <c>--commit</c>.</param>
    /// <param name="launch">The command.</param>
    /// <param name="words">The command as the user wrote it.</param>
    /// <param name="log">For what is said at the end.</param>
    /// <exception cref="SetupException">It cannot be had.</exception>
    public static ChangeKeeping? Begin(
        string? keep, bool commit, LaunchSpec launch, string[] words, Log log)
    {
        if (keep is null && !commit)
        {
            return null;
        }

        string option = keep is null ? "--commit" : "--keep";
        List<string> paths = [];
        foreach (FileMount mount in launch.Isolation?.Files?.Mounts ?? [])
        {
            if (mount.Kind == MountKind.CopyOnWrite)
            {
                paths.Add(mount.Path);
            }
        }

        if (paths.Count == 0)
        {
            throw new SetupException(
                $"{option} needs", Missing, Errno.EINVAL, "add one by --cow PATH");
        }

        FileTree files = launch.Isolation!.Files!;
        string directory = keep ?? KeepingPlace.Make(files);
        KeptChanges? kept = null;
        HelperProcess? helper = null;
        try
        {
            kept = KeptChanges.Claim(directory);
            files = KeepingPlace.Hide(files, kept.Path);
            kept.Prepare(paths, words);
            helper = commit ? StartHelper(kept, keep is null) : null;
            var begun = new ChangeKeeping(kept, helper, WithKept(launch, files, kept), log);
            (kept, helper) = (null, null);
            return begun;
        }
        catch (FileFailure e)
        {
            TakeBack(kept, log);
            throw new SetupException($"{option}: {e.What}", e.Path, e.Errno, string.Empty);
        }
        catch (SetupException)
        {
            TakeBack(kept, log);
            throw;
        }
        finally
        {
            helper?.Dispose();
            kept?.Dispose();
        }
    }

    /// <summary>Undoes the preparation; no guest has run.</summary>
    public void Abandon()
    {
        EndHelper();
        TakeBack(_kept, _log);
    }

    /// <summary>The commit, when the command went well.</summary>
    /// <param name="outcome">The outcome of the run.</param>
    /// <returns>The same with that of the commit.</returns>
    public RunOutcome Finish(RunOutcome outcome)
    {
        if (_helper is null)
        {
            return outcome;
        }

        bool isGood = outcome is { Status: RunStatus.Exited, ExitCode: 0 }
            && !outcome.Statistics.HasSurvivors;
        string state = "none";
        int changes = 0;
        if (!isGood)
        {
            string why = outcome.Statistics.HasSurvivors ? "tasks of it may still run"
                : outcome.Status == RunStatus.Exited ? $"the command ended with {outcome.ExitCode}"
                : $"the run ended badly ({outcome.Reason})";
            _log.Warn("--commit: nothing was applied, for {Why}", why);
        }
        else if (!_helper.Tell([Go]) || !Hear(out state, out changes))
        {
            state = "failed";
            _log.Error(
                "--commit: the helper that applies the changes has gone or is stuck; when it has "
                    + "ended, 'sandbox commit {Directory}' does what is left",
                OneLine.Of(_kept.Path));
        }
        else if (state == "applied")
        {
            _log.Warn("--commit: {Count} changes applied", changes);
        }

        outcome.Statistics.Commit = (state, changes);
        EndHelper();
        return !isGood || state == "applied" ? outcome
            : outcome with { ExitCode = ExitStatus.Setup, Reason = $"--commit: {state}" };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _helper?.Dispose();
        _kept.Dispose();
    }

    /// <summary>What the helper says at its end.</summary>
    public static byte[] Message(CommitOutcome outcome) => Encoding.ASCII.GetBytes(
        string.Create(
            CultureInfo.InvariantCulture, $"{NameOf(outcome.State)} {outcome.Changes}\n"));

    private static void TakeBack(KeptChanges? kept, Log log)
    {
        try
        {
            kept?.Abandon();
        }
        catch (FileFailure e)
        {
            log.Warn("--keep: {Problem}", e.Message);
        }
    }

    private static string NameOf(CommitState state) => state switch
    {
        CommitState.Applied => "applied",
        CommitState.Refused => "refused",
        CommitState.Failed => "failed",
        _ => "partial",
    };

    private static HelperProcess StartHelper(KeptChanges kept, bool isTemporary)
    {
        List<byte[]> words =
        [
            [.. "sandbox"u8], [.. "commit"u8],
            .. isTemporary ? [[.. "--discard"u8]] : (ReadOnlySpan<byte[]>)[],
            Encoding.UTF8.GetBytes(kept.Path), [.. "--helper"u8],
        ];
        Errno errno = HelperProcess.Start(words, kept.Lock, out HelperProcess? helper);
        return helper ?? throw new SetupException(
            "cannot start", "the process that applies changes", errno,
            "it takes a /proc where programs can be run from");
    }

    private static LaunchSpec WithKept(LaunchSpec launch, FileTree files, KeptChanges kept)
    {
        var mounts = new List<FileMount>();
        int root = 0;
        foreach (FileMount mount in files.Mounts)
        {
            bool copies = mount.Kind == MountKind.CopyOnWrite;
            mounts.Add(copies ? mount with { Kept = kept.RootPath(root) } : mount);
            root += copies ? 1 : 0;
        }

        return launch with
        {
            Isolation = launch.Isolation! with { Files = files with { Mounts = mounts } },
        };
    }

    /// <summary>Waits as long as the helper says that it goes on.</summary>
    private bool Hear(out string state, out int changes)
    {
        (state, changes) = ("failed", 0);
        var line = new StringBuilder();
        while (_helper!.Hear(Patience, 1) is [byte said])
        {
            if (said == '\n')
            {
                string[] words = line.ToString().Split(' ');
                state = words[0];
                return words.Length == 2
                    && int.TryParse(words[1], CultureInfo.InvariantCulture, out changes);
            }

            if (said != Working)
            {
                line.Append((char)said);
            }
        }

        return false;
    }

    /// <summary>It ends when it hears no more; and has removed what was temporary then.</summary>
    private void EndHelper()
    {
        _helper?.Hush();
        while (_helper?.Hear(Patience, 1) is [Working])
        {
        }
    }
}
