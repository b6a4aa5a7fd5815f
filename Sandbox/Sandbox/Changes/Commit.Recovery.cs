using System;
using System.Collections.Generic;
using System.Text;
using Interpose.Abi;
using Interpose.Files;

namespace Sandbox.Changes;

/// <content>What a commit that was killed has left.</content>
/// <remarks>
/// Before it makes anything ready it writes a <see cref="CommitJournal"/> with the names that it
/// will use; before the first step, one with all steps. So the next commit either removes what was
/// made, for nothing has changed yet, or takes the steps that are left.
/// </remarks>
internal sealed partial class Commit
{
    /// <summary>Whether a step was taken before its commit was killed.</summary>
    private static bool IsDone(in CommitStep step, Folder folder) => step.Act switch
    {
        CommitAct.Set => false,
        CommitAct.Take => folder.TryStat(step.Name) is null
            && folder.TryStat(step.Temporary) is not null,
        _ => folder.TryStat(step.Name) is { } now && step.Made is { } made
            && (now.Device, now.Inode) == (made.Device, made.Inode),
    };

    /// <summary>Removes what was made ready, beside where it was to go.</summary>
    private void RemoveMade(string prefix)
    {
        byte[] start = Encoding.ASCII.GetBytes(prefix);
        var seen = new HashSet<(int, string)>();
        foreach (Change change in _changes)
        {
            byte[] directory = PathText.Split(change.Path).Directory;
            if (!seen.Add((change.Root, Encoding.Latin1.GetString(directory))))
            {
                continue;
            }

            try
            {
                using Folder folder = _trees[change.Root].Real.Enter(directory);
                foreach (byte[] name in folder.Names(ChangeScan.Most))
                {
                    if (name.AsSpan().StartsWith(start))
                    {
                        folder.Remove(name);
                    }
                }
            }
            catch (FileFailure e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
            {
                // A directory that is new itself, or no longer one, has none.
            }
        }
    }
}
