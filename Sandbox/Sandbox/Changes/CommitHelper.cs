using System;
using Interpose.Files;
using Interpose.Launch;

namespace Sandbox.Changes;

/// <summary>The helper of a run with <c>--commit</c>, as a process of its own.</summary>
internal static class CommitHelper
{
    private const int SayEvery = 500;

    /// <summary>Waits to be told, and applies the changes.</summary>
    /// <param name="directory">The kept changes, which the run has locked.</param>
    /// <param name="socket">By which it is told.</param>
    /// <param name="discard">Whether the directory is removed at the end.</param>
    /// <param name="tell">Says to the user what went wrong.</param>
    public static int Serve(
        string directory, int socket, bool discard, Action<CommitOutcome> tell)
    {
        // The run has locked it, and guests of the same user shall not trace this process.
        HostProcess.SetUndumpable();
        using KeptChanges kept = KeptChanges.Open(directory, alone: null);
        HostProcess.Write(socket, [ChangeKeeping.Working]);
        int status = 0;
        if (HelperProcess.Listen(socket) == ChangeKeeping.Go)
        {
            long next = 0;
            CommitOutcome outcome = Commit.Run(kept, () => Say(socket, ref next));
            if (outcome.State != CommitState.Applied || outcome.Problems.Count > 0)
            {
                tell(outcome);
            }

            status = outcome.State == CommitState.Applied ? 0 : ExitStatus.Setup;
            HostProcess.Write(socket, ChangeKeeping.Message(outcome));
        }

        return discard && !Discard(kept) ? ExitStatus.Setup : status;
    }

    /// <summary>That it goes on, now and then.</summary>
    private static void Say(int socket, ref long next)
    {
        if (Environment.TickCount64 >= next)
        {
            next = Environment.TickCount64 + SayEvery;
            HostProcess.Write(socket, [ChangeKeeping.Working]);
        }
    }

    /// <summary>Guests of a supervisor that was killed may go on for a moment.</summary>
    private static bool Discard(KeptChanges kept)
    {
        const int tries = 20;
        const int pause = 50;
        for (int i = 0; ; i++)
        {
            try
            {
                kept.Empty();
                return HostProcess.RemoveDirectory(kept.Path) == Interpose.Abi.Errno.None;
            }
            catch (FileFailure e) when (i < tries)
            {
                _ = e;
                System.Threading.Thread.Sleep(pause);
            }
        }
    }
}
