using System;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;
using Failure = (string What, string Object, Interpose.Abi.Errno Errno);

namespace Interpose.Launch;

/// <summary>
/// Pid 1 of a run that has pids of its own: pid_namespaces(7), "the init process". It takes the
/// ends of processes that lost their parents, and ends when none is left.
/// </summary>
/// <remarks>
/// It is a program of its own (Launch/init.c). The supervisor does not trace it: its filter leaves
/// it the calls that it makes, none of which makes a task.
/// </remarks>
internal static class InitProcess
{
    private const string Name = "the init process";

    /// <summary>Brings the program into a file.</summary>
    public static unsafe Failure? Prepare(out SealedProgram? init)
    {
        ulong size;

        // SAFETY: the image lies in this program's own constants, and lives as long as it.
        byte* image = Native.InitImage(&size);
        return SealedProgram.Prepare(
            Name, new ReadOnlySpan<byte>(image, (int)size), out init);
    }

    /// <summary>Adds the calls by which a task becomes it.</summary>
    public static void Plan(LaunchPlan plan, SealedProgram program)
    {
        program.PlanClose(plan, Name, kept: 0);
        plan.AddFilter(Name, Filter());
        program.PlanExec(plan, Name, "sandbox-init"u8);
    }

    /// <summary>What it needs and nothing else; execveat is how it begins.</summary>
    internal static sock_filter[] Filter()
    {
        const int load = BPF_LD | BPF_W | BPF_ABS;
        const int equal = BPF_JMP | BPF_JEQ | BPF_K;
        const int answer = BPF_RET | BPF_K;
        const int number = 0;
        const int architecture = 4;
        const int argument = 16;
        return
        [
            Instruction(load, architecture),
            Instruction(equal, AUDIT_ARCH_X86_64, 0, 7),
            Instruction(load, number),
            Instruction(equal, __NR_wait4, 6),
            Instruction(equal, __NR_exit_group, 5),
            Instruction(equal, __NR_execveat, 4),
            Instruction(equal, __NR_prctl, 0, 2),
            Instruction(load, argument),
            Instruction(equal, PR_SET_NAME, 1),
            Instruction(answer, SECCOMP_RET_KILL_PROCESS),
            Instruction(answer, SECCOMP_RET_ALLOW),
        ];
    }

    private static sock_filter Instruction(int code, uint k, byte yes = 0, byte no = 0) =>
        new() { code = (ushort)code, jt = yes, jf = no, k = k };
}
