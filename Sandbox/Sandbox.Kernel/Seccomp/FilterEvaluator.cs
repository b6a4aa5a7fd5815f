using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Seccomp;

/// <summary>
/// Runs a filter as the kernel would, for proofs and explanations; it knows the instructions that
/// <see cref="FilterAssembler"/> uses.
/// </summary>
public static class FilterEvaluator
{
    /// <summary>What a filter answers.</summary>
    /// <param name="program">The filter.</param>
    /// <param name="call">The call.</param>
    /// <param name="steps">How many instructions it took.</param>
    /// <returns>A SECCOMP_RET_* value with its data.</returns>
    public static uint Run(sock_filter[] program, in seccomp_data call, out int steps)
    {
        uint accumulator = 0;
        steps = 0;
        for (int at = 0; at < program.Length; at++)
        {
            sock_filter line = program[at];
            steps++;
            switch ((int)line.code)
            {
                case BPF_LD | BPF_W | BPF_ABS:
                    accumulator = Load(call, line.k);
                    break;
                case BPF_ALU | BPF_AND | BPF_K:
                    accumulator &= line.k;
                    break;
                case BPF_JMP | BPF_JA:
                    at += (int)line.k;
                    break;
                case BPF_RET | BPF_K:
                    return line.k;
                default:
                    at += Holds(line, accumulator) ? line.jt : line.jf;
                    break;
            }
        }

        throw new System.InvalidOperationException("a filter ends with an answer");
    }

    private static bool Holds(sock_filter line, uint accumulator) => (int)line.code switch
    {
        BPF_JMP | BPF_JEQ | BPF_K => accumulator == line.k,
        BPF_JMP | BPF_JGT | BPF_K => accumulator > line.k,
        BPF_JMP | BPF_JGE | BPF_K => accumulator >= line.k,
        BPF_JMP | BPF_JSET | BPF_K => (accumulator & line.k) != 0,
        _ => throw Unknown($"instruction {line.code:x}"),
    };

    private static uint Load(in seccomp_data call, uint offset)
    {
        ulong word = (offset / 8) switch
        {
            0 => (uint)call.nr | ((ulong)call.arch << 32),
            1 => call.instruction_pointer,
            2 => call.arg0,
            3 => call.arg1,
            4 => call.arg2,
            5 => call.arg3,
            6 => call.arg4,
            7 => call.arg5,
            _ => throw Unknown($"offset {offset}"),
        };
        return (uint)(offset % 8 == 0 ? word : word >> 32);
    }

    private static System.ArgumentException Unknown(string what) =>
        new($"{what} is none that our filters use");
}
