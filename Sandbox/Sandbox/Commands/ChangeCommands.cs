using System;
using System.Collections.Generic;
using System.CommandLine;
using Interpose.Files;
using Interpose.Launch;
using Policies;
using Sandbox.Changes;

namespace Sandbox.Commands;

/// <summary>
/// <c>sandbox changes</c> and <c>sandbox commit</c>: what runs with <c>--keep</c> have left.
/// </summary>
internal sealed class ChangeCommands
{
    private readonly Option<bool> _json = new("--json")
    {
        Description = "Write one JSON object instead of lines",
    };

    private readonly Option<int?> _helper = new("--helper") { Hidden = true };
    private readonly Option<bool> _discard = new("--discard") { Hidden = true };
    private readonly Argument<string> _directory = new("DIR")
    {
        Description = "The directory that was given to run --keep",
    };

    public ChangeCommands()
    {
        Changes = new Command(
            "changes",
            "List what the runs with --keep DIR changed in their copies: created, modified, "
                + "metadata, deleted, opaque (a directory made anew), type")
        {
            _json, _directory,
        };
        Changes.SetAction(parsed => Guarded(() => List(parsed)));
        Commit = new Command(
            "commit",
            "Apply what the runs with --keep DIR changed to the real files, all of it or nothing; "
                + "exit status 1 when files were changed since, or are none that can be applied")
        {
            _directory, _helper, _discard,
        };
        Commit.SetAction(parsed => Guarded(() => Apply(parsed)));
    }

    public Command Changes { get; }

    public Command Commit { get; }

    private static int Guarded(Func<int> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is SetupException or FileFailure)
        {
            HostProcess.WriteError($"sandbox: {e.Message}\n");
            return ExitStatus.Setup;
        }
    }

    private static void Tell(string where, CommitOutcome outcome)
    {
        string head = outcome.State switch
        {
            CommitState.Applied => $"{outcome.Changes} changes applied",
            CommitState.Refused => "nothing was applied, because of",
            CommitState.Failed => "nothing was applied",
            _ => "not all was applied, and what was could not be undone",
        };
        HostProcess.WriteError($"sandbox: {where}: {head}\n");
        foreach (string problem in outcome.Problems)
        {
            HostProcess.WriteError($"sandbox:   {problem}\n");
        }
    }

    private int List(ParseResult parsed)
    {
        using KeptChanges kept = KeptChanges.Open(
            parsed.GetValue(_directory)!, alone: false);
        kept.CheckFinished();
        using var trees = new KeptTrees(kept);
        List<Change> changes = trees.Changes();
        bool written = parsed.GetValue(_json)
            ? HostProcess.Write(1, ChangeText.Json(kept.Manifest, changes))
            : HostProcess.WriteOut(ChangeText.Table(kept.Manifest, changes));
        return written ? 0 : ExitStatus.Setup;
    }

    private int Apply(ParseResult parsed)
    {
        string directory = parsed.GetValue(_directory)!;
        if (parsed.GetValue(_helper) is { } socket)
        {
            return CommitHelper.Serve(
                directory, socket, parsed.GetValue(_discard),
                outcome => Tell("--commit", outcome));
        }

        using KeptChanges kept = KeptChanges.Open(directory, alone: true);
        CommitOutcome outcome = Sandbox.Changes.Commit.Run(kept, () => { });
        Tell(OneLine.Of(kept.Path), outcome);
        return outcome.State switch
        {
            CommitState.Applied => 0,
            CommitState.Refused => 1,
            _ => ExitStatus.Setup,
        };
    }
}
