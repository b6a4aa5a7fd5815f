using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Launch;
using Sandbox.Runs;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <summary>
/// Makes the supervisor look to the caller's shell as the command itself would: it stops when
/// the command is stopped, and passes on what is sent to it alone.
/// </summary>
internal sealed class JobControl
{
    private readonly HashSet<HostTid> _stopped = [];

    /// <summary>The command's process.</summary>
    public HostTid Command { get; set; }

    /// <summary>
    /// A task was stopped. The terminal stops a whole job, so the command's own stop is enough;
    /// SIGSTOP is between guests as long as one of them still runs.
    /// </summary>
    public void OnStopped(HostTid tid, int signal, int tasks)
    {
        bool fresh = _stopped.Add(tid);
        bool whole = signal == SIGSTOP ? _stopped.Count >= tasks : tid == Command;
        if (fresh && whole && HostProcess.HasTerminal)
        {
            HostProcess.StopSelf();
            HostProcess.Kill(Command.Value, SIGCONT);
        }
    }

    /// <summary>A task goes on or has ended.</summary>
    public void OnGone(HostTid tid) => _stopped.Remove(tid);

    /// <summary>
    /// Passes on what came before the command runs: whether it was there already when the
    /// terminal sent it nobody knows. It blocks all signals still, and one that it has got as
    /// well is pending once.
    /// </summary>
    /// <returns>Whether the command shall not run at all.</returns>
    public bool ForwardEarly()
    {
        int number;
        while ((number = HostProcess.TakeSignal(out siginfo_t signal)) != 0)
        {
            if (RunEnding.IsWord(signal))
            {
                return true;
            }

            if (number != SIGPIPE)
            {
                HostProcess.Kill(Command.Value, number);
            }
        }

        return false;
    }

    /// <summary>
    /// Passes a signal on. What the terminal sends it sends to every process of the job, the
    /// command among them.
    /// </summary>
    public void Forward(in siginfo_t signal)
    {
        bool fromTerminal = signal.si_code == SI_KERNEL;
        if (!fromTerminal && signal.si_signo != SIGPIPE && Command.Value != 0)
        {
            HostProcess.Kill(Command.Value, signal.si_signo);
        }
    }
}
