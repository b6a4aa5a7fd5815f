using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using Interpose.Isolation;
using Interpose.Launch;
using Policies;
using Sandbox.Reports;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <summary>
/// What a run writes to its standard output and error, counted where the policy limits it.
/// </summary>
internal sealed class RunOutput : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Last = TimeSpan.FromSeconds(1);
    private readonly OutputRelay _relay;
    private readonly ulong _most;
    private readonly Log _log;

    private RunOutput(OutputRelay relay, ulong most, Log log) =>
        (_relay, _most, _log) = (relay, most, log);

    /// <summary>Whether more was written than may be; by any thread.</summary>
    public bool Exceeded => _relay.Exceeded;

    /// <summary>What was used up, in words.</summary>
    public string Limit => $"resources.output of {_most} bytes was used up";

    /// <summary>Null where nothing limits it, or it cannot be counted and need not.</summary>
    /// <exception cref="SetupException">It cannot be counted.</exception>
    [SuppressMessage(
        "Reliability", "CA2000", Justification = "What is returned disposes of the relay.")]
    public static RunOutput? For(
        RunPlan plan, List<(Protection Protection, string Why)> missing)
    {
        if (plan.Policy.Resources.Run.Output is not { } most)
        {
            return null;
        }

        GuestIds? ids = Privileges.CanIsolate() ? plan.Launch.Isolation?.User : null;
        if (OutputRelay.Create(
            most, ids is { } of ? (of.HostUid, of.HostGid) : null, out OutputRelay? relay)
            is not { } why)
        {
            return new(relay!, most, plan.Log);
        }

        if (!plan.Policy.MayDegrade(Protection.Output))
        {
            throw new SetupException(
                $"resources.output: cannot count what is written: {why}; redirect it, as by "
                    + "'> FILE 2>&1' or '| cat'; with 'degrade: [output]' it runs without");
        }

        missing.Add((Protection.Output, why));
        return null;
    }

    /// <summary>The launch with the pipes of this.</summary>
    public LaunchSpec Launch(LaunchSpec launch) => launch with { Output = _relay };

    /// <summary>The first task has its ends. At the limit the wait for tasks is ended.</summary>
    public void Begin() => _relay.Start(
        static () => HostProcess.Kill(Environment.ProcessId, SIGCONT));

    /// <summary>
    /// All guests are gone; what they wrote goes to its reader, as slow as that is: until it is
    /// through, or a time is over, or somebody asks for the end.
    /// </summary>
    /// <param name="waits">Whether the reader is waited for; else for a moment only.</param>
    /// <param name="isLate">Whether the time of the run is over.</param>
    /// <returns>Whether that was why it was left.</returns>
    public bool End(bool waits, Func<bool> isLate)
    {
        bool late = false;
        bool asked = false;
        while (waits && !late && !asked && !_relay.Ends(Look))
        {
            late = isLate();
            int signal = HostProcess.TakeSignal(out _);
            asked = signal is SIGTERM or SIGINT or SIGHUP or SIGQUIT;
        }

        if (!_relay.Ends(waits && !late && !asked ? TimeSpan.Zero : Last))
        {
            _log.Warn("the end of the output was not read and is lost");
        }

        if (_relay.Failure is { } failure)
        {
            _log.Warn("output is lost: {Failure}", failure);
        }

        return late;
    }

    /// <inheritdoc/>
    public void Dispose() => _relay.Dispose();
}
