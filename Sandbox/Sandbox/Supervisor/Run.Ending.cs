using System;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.Ptrace;
using Policies;
using Sandbox.Kernel;
using Sandbox.Kernel.Tasks;
using Sandbox.Reports;
using Sandbox.Runs;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <content>How a run ends: the command, a time-out, a signal, a broken promise.</content>
internal sealed partial class Run
{
    private const long Grace = 2_000_000_000;
    private const long ReapPatience = 5_000_000_000;

    private long _deadline = long.MaxValue;
    private long _leaveAt = long.MaxValue;
    private bool _ending;
    private bool _timedOut;
    private bool _askedToEnd;
    private bool _toldToEnd;
    private WaitStatus? _commandEnd;
    private string? _violation;
    private string? _failure;
    private volatile string? _stall;

    /// <inheritdoc/>
    public long Deadline => Math.Min(Math.Min(_deadline, _leaveAt), _idleLook);

    /// <inheritdoc/>
    public void OnExit(in TaskExit exit)
    {
        _job.OnGone(exit.Tid);
        ThreadGroup? parent = _table.TryFind(exit.Tid, out GuestTask? known)
            ? known.Group.Parent : null;
        DropAgain(exit.Tid);
        Forget(exit.Tid);
        GuestTask? task = _table.Exit(exit.Tid);
        _reports.OnExit(exit);
        if (task is not null && task.Group.Threads == 0)
        {
            Account(exit.Usage, parent);
            NoteMemory(exit, task.Group);
        }

        if (exit.Tid == _job.Command && _commandEnd is null)
        {
            _commandEnd = exit.Status;
            if (!_plan.WaitForAll || _askedToEnd)
            {
                _reports.Statistics.KilledAtEnd = _table.Processes.Count;
                EndAll();
            }
        }
    }

    /// <inheritdoc/>
    public void OnStopped(HostTid tid, int signal) =>
        _job.OnStopped(tid, signal, _table.Count);

    /// <inheritdoc/>
    public void OnContinued(HostTid tid) => _job.OnGone(tid);

    /// <inheritdoc/>
    public void OnStopLost(HostTid tid, string stop) =>
        Fail($"task {tid} was never resumed from {stop}");

    /// <inheritdoc/>
    public void OnSignal(in siginfo_t signal)
    {
        bool asksToEnd = signal.si_signo is SIGTERM or SIGINT or SIGHUP or SIGQUIT;
        if (RunEnding.IsWord(signal))
        {
            _toldToEnd |= !_ending;
            AskToEnd();
            return;
        }

        if (_commandEnd is not null && asksToEnd)
        {
            EndAll();
            return;
        }

        _job.Forward(signal);
    }

    /// <inheritdoc/>
    public void OnDeadline()
    {
        if (_ending)
        {
            // The time to reap what was killed is over; leaving kills whatever is left.
            return;
        }

        if (_clock.Now < _deadline && !IsIdle())
        {
            return;
        }

        _timedOut |= !_askedToEnd;
        AskToEnd();
    }

    /// <summary>SIGTERM to every process, and the end of all after a time of grace.</summary>
    private void AskToEnd()
    {
        if (_ending)
        {
            return;
        }

        if (_askedToEnd)
        {
            EndAll();
            return;
        }

        _askedToEnd = true;
        _idleLook = long.MaxValue;
        _deadline = _clock.Now + Grace;
        foreach (ThreadGroup process in _table.Processes)
        {
            HostProcess.Kill(process.Tgid.Value, SIGTERM);
            HostProcess.Kill(process.Tgid.Value, SIGCONT);
        }
    }

    private void Supervise()
    {
        SupervisorUse before = SupervisorUse.Now(_engine.Stops);
        try
        {
            _engine.Run(IsOver);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A bug of ours: no guest may go on.
            _failure ??= e.Message;
            string said = _plan.Log.Verbose ? e.ToString() : e.Message;
            _plan.Log.Error("internal error: {Error}", said);
            _engine.KillAll();
        }

        _reports.Statistics.Supervisor = SupervisorUse.Now(_engine.Stops).Since(before);
    }

    /// <summary>Asked before each wait.</summary>
    private bool IsOver()
    {
        if (_stall is { } why && !_ending)
        {
            _violation ??= why;
            EndAll();
        }

        LookAtOutput();
        return _leaveAt <= _clock.Now;
    }

    /// <summary>Kills what is left and gives it a bounded time to be gone.</summary>
    private void EndAll()
    {
        _ending = true;
        (_deadline, _idleLook) = (long.MaxValue, long.MaxValue);
        _leaveAt = Math.Min(_leaveAt, _clock.Now + ReapPatience);
        _engine.KillAll();
        _group?.Kill();
    }

    /// <summary>Ends the run on what the policy denies, where the policy wants that.</summary>
    private void EndOnViolation(in Refusal refusal, EntryPoint entry)
    {
        if (refusal.By == RefusedBy.Policy && _violation is null && !_askedToEnd && !_ending
            && _plan.Policy.Creation.OnViolation.Value == OnViolation.Kill)
        {
            _violation = $"{entry.Name()} was denied by {refusal.Rule} at {refusal.Origin}";
            EndAll();
        }
    }

    private void Fail(string why)
    {
        _failure ??= why;
        _plan.Log.Error("internal error: {Error}", why);
        EndAll();
    }

    private RunOutcome Conclude(GuestLaunch launch, long start)
    {
        RunStatistics numbers = _reports.Statistics;
        numbers.Peak = _pipeline.Budget.Peak;
        numbers.Decisions = (_pipeline.Decisions.Hits, _pipeline.Decisions.Misses);
        (numbers.Denials, numbers.OtherDenials) = (_reports.Denials.Sum(), _reports.Denials.Others);
        numbers.HasSurvivors = _engine.Count > 0;
        numbers.WallNanoseconds = _clock.Now - start;
        numbers.Launch = launch.Times;
        numbers.Group = _group?.End();
        if (_failure is null && _engine.Count == 0
            && (_table.Count != 0 || _table.Groups != 0 || _pending.Count != 0
                || _pipeline.Ledger.Open != 0 || _pipeline.Budget.Tasks != 0))
        {
            _failure = $"tasks {_table.Count}, processes {_table.Groups}, creations "
                + $"{_pending.Count}, reservations {_pipeline.Ledger.Open}, charges "
                + $"{_pipeline.Budget.Tasks} are left at the end";
            _plan.Log.Error("internal error: {Error}", _failure);
        }

        if (_engine.Count > 0)
        {
            _plan.Log.Warn("tasks that did not end in time: {Tasks}", _engine.Describe());
        }

        if (launch.Failure is { } failed)
        {
            return LaunchFailed(failed, numbers);
        }

        if (_failure is { } failure)
        {
            return new(RunStatus.InternalError, failure, ExitStatus.Setup, numbers);
        }

        if (_unlimited is { } unlimited)
        {
            _plan.Log.Error("{Reason}", unlimited);
            return new(RunStatus.SetupFailed, unlimited, ExitStatus.Setup, numbers);
        }

        if (_timedOut)
        {
            string limit = _timeLimit;
            _plan.Log.Warn("{Command}: {Limit}", _plan.CommandName, limit);
            return new(RunStatus.TimedOut, limit, ExitStatus.TimedOut, numbers);
        }

        if (_violation is { } violation)
        {
            _plan.Log.Error("{Command}: ended: {Violation}", _plan.CommandName, violation);
            return new(
                RunStatus.Violation, violation, ExitStatus.SignalBase + SIGKILL, numbers);
        }

        Invariant.Check(_commandEnd is not null, "a run ends with its command");
        WaitStatus end = _commandEnd.Value;
        string told = _toldToEnd ? "ended by 'sandbox kill'" : string.Empty;
        return end.Exited
            ? new(RunStatus.Exited, told, end.ExitCode, numbers)
            : new(RunStatus.Signaled,
                SignalNames.Of(end.TermSignal) + _memoryEnd + (_toldToEnd ? "; " + told : ""),
                ExitStatus.SignalBase + end.TermSignal, numbers);
    }

    /// <summary>The child never became the command.</summary>
    private RunOutcome LaunchFailed(in LaunchFailure failed, RunStatistics numbers)
    {
        string remedy = failed.Step.StartsWith("seccomp", StringComparison.Ordinal)
            ? "; the kernel must offer seccomp filters (CONFIG_SECCOMP_FILTER), and no outer "
                + "filter may deny them"
            : IsUnseen(failed) ? "; the file view of the policy (filesystem) does not show it"
            : string.Empty;
        string reason =
            $"{failed.Step} {failed.Object}: {failed.Errno.Describe()}{remedy}";
        _plan.Log.Error("{Reason}", reason);
        int status = !failed.IsExec ? ExitStatus.Setup
            : failed.Errno is Errno.ENOENT or Errno.ENOTDIR ? ExitStatus.NotFound
            : ExitStatus.NotExecutable;
        return new(RunStatus.SetupFailed, reason, status, numbers);
    }

    /// <summary>
    /// Whether what was found when the command was looked up is not there in the run.
    /// </summary>
    private bool IsUnseen(in LaunchFailure failed) =>
        _plan.Launch.Isolation?.Files is not null
        && (failed.IsExec || failed.Step.StartsWith("chdir", StringComparison.Ordinal))
        && (failed.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.EACCES);
}
