using System;
using Interpose.Abi;
using Interpose.Files;
using Interpose.Placement;

namespace Sandbox.Doctor;

/// <summary>Why ptrace(2) is refused on this host, and what mends it.</summary>
/// <param name="Why">Why.</param>
/// <param name="Mend">The command; empty when none does.</param>
internal readonly record struct TraceDenial(string Why, string Mend)
{
    private const int AdminOnly = 2;
    private const int Nobody = 3;
    private const int CapSysPtrace = 19;

    /// <summary>Yama's setting; null on a kernel without it.</summary>
    public static long? Yama => TextFile.Number("/proc/sys/kernel/yama/ptrace_scope");

    /// <summary>The process that traces this one; 0 for none.</summary>
    public static ulong Tracer => OwnStatus("TracerPid");

    /// <summary>How many seccomp filters this process is under already.</summary>
    public static ulong Filters => OwnStatus("Seccomp_filters");

    /// <summary>Whether this process may trace whatever it likes.</summary>
    public static bool HasCapability =>
        (OwnStatus("CapEff", 16) & (1UL << CapSysPtrace)) != 0;

    /// <summary>The likeliest reason, after a refusal was seen.</summary>
    public static TraceDenial Find()
    {
        if (Yama == Nobody)
        {
            return new(
                "kernel.yama.ptrace_scope is 3, which forbids all tracing until a reboot",
                "echo kernel.yama.ptrace_scope=1 | sudo tee /etc/sysctl.d/10-ptrace.conf "
                    + "&& sudo reboot");
        }

        if (Tracer is not 0 and ulong tracer)
        {
            return new($"process {tracer} traces this program; run it without", "");
        }

        if (Filters != 0)
        {
            return new(
                "a seccomp filter is in force here and denies ptrace; in a container allow it",
                "docker run --cap-add SYS_PTRACE");
        }

        return Yama == AdminOnly && !HasCapability
            ? new("kernel.yama.ptrace_scope is 2: only CAP_SYS_PTRACE may trace",
                "sudo sysctl -w kernel.yama.ptrace_scope=1")
            : new("tracing needs the same user or CAP_SYS_PTRACE", "");
    }

    /// <inheritdoc/>
    public override string ToString() => Mend.Length == 0 ? Why : $"{Why}: {Mend}";

    private static ulong OwnStatus(string field, int numberBase = 10) =>
        TaskAttributes.Status(new HostTid(Environment.ProcessId), field, numberBase) ?? 0;
}
