using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Probes;
using static Interpose.Abi.Uapi;

namespace Sandbox.Doctor;

/// <summary>seccomp(2): a child is put under a filter, whose answers are tried.</summary>
internal static class SeccompChecks
{
    private const string Group = "seccomp";
    private const string Configure = "the kernel must offer CONFIG_SECCOMP_FILTER, and no outer "
        + "filter may deny it";

    private static readonly sock_filter[] Allow =
        [new() { code = BPF_RET, k = SECCOMP_RET_ALLOW }];

    /// <summary>The answers of the filter of a run, and that of a listener.</summary>
    private static readonly (string Name, bool Required, uint Action)[] Answers =
    [
        ("ret_errno", true, SECCOMP_RET_ERRNO),
        ("ret_kill_process", true, SECCOMP_RET_KILL_PROCESS),
        ("ret_user_notif", false, SECCOMP_RET_USER_NOTIF),
    ];

    public static IEnumerable<Check> Look()
    {
        using var trial = new Trial();
        TrialOutcome filter = trial.Filter(Allow).Run();
        bool installed = filter.Ok;
        yield return new(
            Group, "filter", true, installed ? CheckState.Ok : CheckState.Missing,
            "SECCOMP_SET_MODE_FILTER", installed ? "" : $"{filter}; {Configure}",
            installed ? "" : "docker run --security-opt seccomp=unconfined");
        yield return installed ? Trace() : new(
            Group, "ret_trace", true, CheckState.Missing, "", "no filter can be installed");
        foreach ((string name, bool required, uint action) in Answers)
        {
            yield return Available(name, required, action);
        }

        ulong filters = TraceDenial.Filters;
        yield return new(
            Group, "in_force", false, filters == 0 ? CheckState.Ok : CheckState.Partial,
            filters == 0 ? "none" : $"{filters} already",
            filters == 0 ? "" : "guests are under it too: what it denies stays denied");
    }

    private static Check Trace()
    {
        TraceOutcome trace = TraceTrial.Run();
        return trace.Stopped ? new(Group, "ret_trace", true, CheckState.Ok, "SECCOMP_RET_TRACE")
            : new(Group, "ret_trace", true, CheckState.Missing, "SECCOMP_RET_TRACE",
                trace.Seize != Errno.None ? "cannot be told: no child can be attached"
                    : "the filter's answer stopped nobody");
    }

    private static Check Available(string name, bool required, uint action)
    {
        using var trial = new Trial();
        TrialOutcome outcome = trial.Call(
            "seccomp(SECCOMP_GET_ACTION_AVAIL)", __NR_seccomp, (nint)SECCOMP_GET_ACTION_AVAIL, 0,
            trial.Memory([action])).Run();
        return new(
            Group, name, required, outcome.Ok ? CheckState.Ok : CheckState.Missing,
            "SECCOMP_GET_ACTION_AVAIL", outcome.ToString());
    }
}
