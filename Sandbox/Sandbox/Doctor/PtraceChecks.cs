using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Probes;

namespace Sandbox.Doctor;

/// <summary>ptrace(2): a child is attached, read and answered as guests are.</summary>
internal static class PtraceChecks
{
    private const string Group = "ptrace";

    public static IEnumerable<Check> Look()
    {
        TraceOutcome trial = TraceTrial.Run();
        bool attached = trial.Seize == Errno.None;
        TraceDenial denial = attached ? default : TraceDenial.Find();
        yield return attached ? new(Group, "attach", true, CheckState.Ok, "PTRACE_SEIZE")
            : new(Group, "attach", true, CheckState.Missing, trial.Seize.Describe(), denial.Why,
                denial.Mend);
        if (attached)
        {
            yield return new(
                Group, "syscall_info", true,
                trial.Told == Errno.None ? CheckState.Ok : CheckState.Missing,
                "PTRACE_GET_SYSCALL_INFO",
                trial.Told == Errno.None ? "" : trial.Told.Describe());
            yield return new(
                Group, "rewrite", true, trial.Rewritten ? CheckState.Ok : CheckState.Missing,
                "PTRACE_POKEUSR", trial.Rewritten ? "" : "a call did not return what was written");
        }

        yield return Yama();
        ulong tracer = TraceDenial.Tracer;
        yield return new(
            Group, "tracer", false, tracer == 0 ? CheckState.Ok : CheckState.Partial,
            tracer == 0 ? "none" : $"process {tracer}",
            tracer == 0 ? "" : "a tracer that follows children keeps them from the sandbox");
        bool capable = TraceDenial.HasCapability;
        yield return new(
            Group, "capability", false, capable ? CheckState.Partial : CheckState.Ok,
            capable ? "CAP_SYS_PTRACE" : "none, and none is needed",
            capable ? "guests have it too, and could trace the supervisor" : "",
            capable ? "setpriv --reuid nobody --regid nogroup --clear-groups sandbox run ..." : "");
    }

    private static Check Yama()
    {
        long? scope = TraceDenial.Yama;
        return new(
            Group, "yama", false, CheckState.Ok,
            scope is null ? "not in this kernel" : $"kernel.yama.ptrace_scope is {scope}");
    }
}
