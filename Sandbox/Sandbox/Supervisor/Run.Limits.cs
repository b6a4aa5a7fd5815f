using System;
using Interpose.Abi;
using Interpose.Placement;
using Interpose.Ptrace;
using Policies;
using Sandbox.Kernel.Tasks;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <content>What a run as a whole is held to, and what it used.</content>
internal sealed partial class Run
{
    /// <summary>Looks in one time of idleness; the run ends one of them late at most.</summary>
    private const int IdleLooks = 4;

    private long _endOfTime = long.MaxValue;
    private string _timeLimit = string.Empty;
    private string _memoryEnd = string.Empty;
    private bool _hasBegun;
    private string? _unlimited;
    private long _idleLook = long.MaxValue;
    private long _busyAt;
    private (long Stops, long Time) _activity;

    /// <summary>The clocks of the run's limits start.</summary>
    private void BeginTimes()
    {
        RunLimits limits = _plan.Policy.Resources.Run;
        bool wall = limits.Wall is { } most && !(_plan.Timeout <= most);
        TimeSpan? time = wall ? limits.Wall : _plan.Timeout;
        _busyAt = _clock.Now;
        _deadline = time is { } timeout ? _busyAt + Nanoseconds(timeout) : long.MaxValue;
        _endOfTime = _deadline;
        _timeLimit = $"time-out after {time}" + (wall ? " (resources.wall)" : string.Empty);
        if (limits.Idle is { } idle)
        {
            _idleLook = _busyAt + (Nanoseconds(idle) / IdleLooks);
        }
    }

    /// <summary>
    /// The command is a program by now, and stands before its first instruction.
    /// </summary>
    private void BeginGroup()
    {
        if (_group is null || _hasBegun)
        {
            return;
        }

        _hasBegun = true;
        _unlimited = _group.Begin();
        if (_unlimited is not null)
        {
            EndAll();
        }
    }

    /// <summary>Ends the run where it has written too much. Asked before each wait.</summary>
    private void LookAtOutput()
    {
        if (_output is { Exceeded: true } && !_ending)
        {
            EndAll();
        }
    }

    /// <summary>
    /// What guests wrote last may still be on its way. A run that was ended waits for no reader.
    /// </summary>
    private void EndOutput()
    {
        if (_output is null)
        {
            return;
        }

        bool waits = !_timedOut && !_toldToEnd && _violation is null && _failure is null
            && !_output.Exceeded;
        _timedOut |= _output.End(waits, () => _clock.Now >= _endOfTime);
        if (_output.Exceeded)
        {
            _violation ??= _output.Limit;
            _reports.OnLimit(
                "output", (long)_plan.Policy.Resources.Run.Output!.Value, _job.Command.Value,
                _plan.CommandName);
        }
    }

    /// <summary>
    /// Looks whether any task has used a processor, or ended, or asked for anything, since the
    /// last look; true when none has for as long as the policy lets it.
    /// </summary>
    private bool IsIdle()
    {
        long now = _clock.Now;
        if (now < _idleLook)
        {
            return false;
        }

        long idle = Nanoseconds(_plan.Policy.Resources.Run.Idle!.Value);
        (long Stops, long Time) activity = (_engine.Stops, 0);
        foreach (GuestTask task in _table.Tasks)
        {
            activity.Time += TaskAttributes.ProcessorTime(task.Tid);
        }

        _busyAt = activity == _activity ? _busyAt : now;
        (_activity, _idleLook) = (activity, now + (idle / IdleLooks));
        if (now - _busyAt < idle)
        {
            return false;
        }

        _timeLimit = $"idle for {_plan.Policy.Resources.Run.Idle} (resources.idle)";
        return true;
    }

    /// <summary>Whether it was the limit on memory that ended a process, which is told.</summary>
    private void NoteMemory(in TaskExit exit, ThreadGroup process)
    {
        if (_group is null || exit.Status.TermSignal != SIGKILL || !_group.RanOutOfMemory())
        {
            return;
        }

        ulong limit = _plan.Policy.Resources.Run.Memory ?? 0;
        string what = $"resources.memory of {limit} bytes was used up: the kernel killed process "
            + $"{process.Tgid} ({OneLine.Of(process.Program ?? "?")})";
        _memoryEnd = exit.Tid == _job.Command ? $"; {what}" : string.Empty;
        _plan.Log.Warn("{What}", what);
        _reports.OnLimit("memory", (long)limit, process.Tgid.Value, process.Program);
    }

    /// <summary>
    /// Adds what a process used. Its usage has that of the children that it waited for in it, so
    /// only processes are added whose parent is none of the run's: the command, and those that
    /// outlived their parents. The sum is what time(1) tells, and daemons besides.
    /// </summary>
    private void Account(in rusage usage, ThreadGroup? parent)
    {
        RunStatistics numbers = _reports.Statistics;
        numbers.PeakMemory = Math.Max(numbers.PeakMemory, usage.ru_maxrss * 1024);
        if (parent is null || _ending)
        {
            numbers.CpuNanoseconds += Nanoseconds(usage.ru_utime) + Nanoseconds(usage.ru_stime);
            numbers.ContextSwitches += usage.ru_nvcsw + usage.ru_nivcsw;
            numbers.BlocksRead += usage.ru_inblock;
            numbers.BlocksWritten += usage.ru_oublock;
        }
    }

    private static long Nanoseconds(in timeval time) =>
        (time.tv_sec * 1_000_000_000) + (time.tv_usec * 1000);

    private static long Nanoseconds(TimeSpan time) => (long)(time.TotalMilliseconds * 1e6);
}
