using System;
using System.Collections.Generic;
using Interpose.Cgroups;
using Interpose.Launch;
using Policies;
using Sandbox.Kernel;
using Sandbox.Reports;

namespace Sandbox.Supervisor;

/// <summary>All that a run was asked for, checked and resolved.</summary>
/// <param name="Launch">The command.</param>
/// <param name="CommandName">The command as the user wrote it.</param>
/// <param name="Policy">The resolved policy.</param>
/// <param name="Timeout">How long it may take.</param>
/// <param name="WaitForAll">Whether what the command leaves running is waited for.</param>
/// <param name="Verify">Whether each new task is held against the kernel's own view.</param>
/// <param name="Faults">Steps that shall fail; null outside tests.</param>
/// <param name="LoseStop">The stop that shall never be resumed; 0 outside tests.</param>
/// <param name="Events">Where events go; null for nowhere.</param>
/// <param name="Log">The program's own words.</param>
internal sealed record RunPlan(
    LaunchSpec Launch,
    string CommandName,
    Policy Policy,
    TimeSpan? Timeout,
    bool WaitForAll,
    bool Verify,
    IFaults? Faults,
    int LoseStop,
    EventStream? Events,
    Log Log);

/// <summary>How a run ended; the first cause wins.</summary>
internal enum RunStatus
{
    Exited,
    Signaled,
    TimedOut,
    Violation,
    SetupFailed,
    InternalError,
}

/// <summary>What a run came to.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Reason">Why, in words; empty when the command just ended.</param>
/// <param name="ExitCode">What the program exits with.</param>
/// <param name="Statistics">What was counted.</param>
internal sealed record RunOutcome(
    RunStatus Status, string Reason, int ExitCode, RunStatistics Statistics);

/// <summary>Makes one chosen step of each creation fail: the option <c>--fail-step</c>.</summary>
internal sealed class FailStep(int step, Interpose.Abi.Errno errno) : IFaults
{
    public Interpose.Abi.Errno At(int at) => at == step ? errno : Interpose.Abi.Errno.None;
}

/// <summary>A limit of the run that was reached.</summary>
/// <param name="Which">Its key, without the section.</param>
/// <param name="Value">What it is.</param>
/// <param name="Process">Whom that ended.</param>
/// <param name="Program">What it ran.</param>
internal readonly record struct LimitReached(
    string Which, long Value, int Process, string? Program);

/// <summary>What a run counts.</summary>
internal sealed class RunStatistics
{
    private const int Entries = EntryPointNames.Count;

    public long[] Created { get; } = new long[Entries];

    public long[] Denied { get; } = new long[Entries];

    public long[] Unwound { get; } = new long[Entries];

    public Latency[] Stages { get; } = NewStages();

    public int Peak { get; set; }

    public long WallNanoseconds { get; set; }

    public long CpuNanoseconds { get; set; }

    public long PeakMemory { get; set; }

    public int KilledAtEnd { get; set; }

    public long ContextSwitches { get; set; }

    /// <summary>In units of 512 bytes, as getrusage(2) has them.</summary>
    public long BlocksRead { get; set; }

    /// <summary>In units of 512 bytes.</summary>
    public long BlocksWritten { get; set; }

    /// <summary>What the cgroup of the run used; null where it had none.</summary>
    public CgroupUse? Group { get; set; }

    /// <summary>The limits of the run that were reached.</summary>
    public List<LimitReached> Limits { get; } = [];

    /// <summary>User namespaces of guests that were given ids.</summary>
    public long MapsWritten { get; set; }

    /// <summary>Networks of guests of which the loopback device was brought up.</summary>
    public long LoopbacksRaised { get; set; }

    /// <summary>The protections of the policy that the run has, by name.</summary>
    public List<string> Protections { get; } = [];

    /// <summary>The protections that it goes without, by name.</summary>
    public List<string> Degraded { get; } = [];

    /// <summary>What the launch took, by what it was for, in nanoseconds.</summary>
    public IReadOnlyList<(string Part, long Nanoseconds)> Launch { get; set; } = [];

    /// <summary>What the supervisor itself used.</summary>
    public SupervisorUse Supervisor { get; set; }

    /// <summary>Requests that the decision cache answered, and those it did not.</summary>
    public (long Hits, long Misses) Decisions { get; set; }

    /// <summary>What was denied, by cause; and what was of causes beyond those kept.</summary>
    public IReadOnlyList<Denial> Denials { get; set; } = [];

    public long OtherDenials { get; set; }

    /// <summary>Events that were lost because their reader was slow, by name.</summary>
    public IReadOnlyDictionary<string, long> DroppedEvents { get; set; } =
        new Dictionary<string, long>();

    /// <summary>Whether tasks had not ended when the run was left.</summary>
    public bool HasSurvivors { get; set; }

    /// <summary>What became of <c>--commit</c>, and of how many changes; null without.</summary>
    public (string State, int Changes)? Commit { get; set; }

    public long TotalCreated => Sum(Created);

    public long TotalDenied => Sum(Denied);

    public long TotalUnwound => Sum(Unwound);

    /// <summary>Over the calls that create tasks.</summary>
    private static long Sum(long[] counts)
    {
        long sum = 0;
        foreach (long count in counts.AsSpan(0, (int)EntryPoint.Clone3 + 1))
        {
            sum += count;
        }

        return sum;
    }

    private static Latency[] NewStages()
    {
        var stages = new Latency[Kernel.Fork.PendingClone.Stages];
        for (int i = 0; i < stages.Length; i++)
        {
            stages[i] = new Latency();
        }

        return stages;
    }
}
