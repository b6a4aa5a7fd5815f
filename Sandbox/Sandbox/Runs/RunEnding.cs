using System;
using System.Diagnostics;
using System.Threading;
using Interpose.Abi;
using Interpose.Cgroups;
using Interpose.Launch;
using Interpose.Placement;
using static Interpose.Abi.Uapi;

namespace Sandbox.Runs;

/// <summary>How the end of a run that was asked for came about.</summary>
internal enum EndedHow
{
    /// <summary>There is no such run.</summary>
    NoRun,

    /// <summary>It belongs to somebody else.</summary>
    NotPermitted,

    /// <summary>Its supervisor ended it: SIGTERM, 2 s of grace, SIGKILL.</summary>
    Ended,

    /// <summary>Its supervisor did not, and was killed; all of its tasks went with it.</summary>
    Killed,

    /// <summary>Something of it is still there.</summary>
    Left,
}

/// <summary>Ends a run from outside.</summary>
internal static class RunEnding
{
    /// <summary>
    /// The value of the SIGTERM that tells a supervisor to end its run, and not to pass the
    /// signal on: sigqueue(3). Who may send it may send SIGKILL.
    /// </summary>
    private const long Word = 0x646e652d6e7572;

    /// <summary>Whether a signal is that word.</summary>
    public static bool IsWord(in siginfo_t signal) =>
        signal is { si_signo: SIGTERM, si_code: SI_QUEUE, si_value: Word };

    /// <summary>Longer than a supervisor takes: its time of grace, and one to reap.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Last = TimeSpan.FromSeconds(5);

    /// <summary>Ends a run, and waits until nothing of it is left; for 20 s at most.</summary>
    public static EndedHow End(int id)
    {
        using ProcessHandle? supervisor = ProcessHandle.Open(id, out _);
        RunningRun? run = supervisor is null ? null : RunFinder.Find(id);

        // Until here the process has not ended, so the id was its own when we looked.
        if (run is null || supervisor!.Ends(TimeSpan.Zero))
        {
            return EndedHow.NoRun;
        }

        Errno errno = supervisor.Signal(SIGTERM, Word);
        if (errno == Errno.EPERM)
        {
            return EndedHow.NotPermitted;
        }

        // One that is stopped, as by a terminal, takes no signal but this.
        supervisor.Signal(SIGCONT);
        if (supervisor.Ends(Patience))
        {
            return AreGone(run) ? EndedHow.Ended : EndedHow.Left;
        }

        supervisor.Signal(SIGKILL);
        bool gone = supervisor.Ends(Last) && AreGone(run);
        DeadGroups.Sweep(CgroupTree.Read());
        return gone ? EndedHow.Killed : EndedHow.Left;
    }

    /// <summary>Whether the tasks that were seen have ended, or do within some time.</summary>
    private static bool AreGone(RunningRun run)
    {
        const int pause = 5;
        var clock = Stopwatch.StartNew();
        foreach (RunTask task in run.Tasks)
        {
            while (ProcessStat.Of(task.Pid) is { HasEnded: false } stat && stat.Start == task.Start)
            {
                if (clock.Elapsed > Last)
                {
                    return false;
                }

                Thread.Sleep(pause);
            }
        }

        return true;
    }
}
