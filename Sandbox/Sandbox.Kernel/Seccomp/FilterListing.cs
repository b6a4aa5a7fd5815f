using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Seccomp;

/// <summary>A filter in words, one instruction a line.</summary>
public static class FilterListing
{
    private const int CommentColumn = 34;
    private const int MostNamed = 3;
    private const uint NumberAt = 0;
    private const uint ArchitectureAt = 4;
    private const uint FirstArgumentAt = 16;

    /// <summary>Writes the program down.</summary>
    public static string Write(IReadOnlyList<sock_filter> program)
    {
        var text = new StringBuilder();
        uint loaded = uint.MaxValue;
        for (int i = 0; i < program.Count; i++)
        {
            sock_filter line = program[i];
            loaded = line.code == (BPF_LD | BPF_W | BPF_ABS) ? line.k : loaded;
            string words = Words(line, i);
            string comment = Comment(line, loaded);
            string both = comment.Length == 0 ? words
                : words.PadRight(CommentColumn) + "; " + comment;
            text.Append(CultureInfo.InvariantCulture, $"{i,4}: {both}\n");
        }

        return text.ToString();
    }

    private static string Words(sock_filter line, int at) => (int)line.code switch
    {
        BPF_LD | BPF_W | BPF_ABS => $"ld  [{line.k}]",
        BPF_ALU | BPF_AND | BPF_K => $"and 0x{line.k:x}",
        BPF_JMP | BPF_JA => $"ja  {at + 1 + line.k}",
        BPF_RET | BPF_K => $"ret 0x{line.k:x}",
        _ => $"{Test(line)} 0x{line.k:x} ? {at + 1 + line.jt} : {at + 1 + line.jf}",
    };

    private static string Test(sock_filter line) => (int)line.code switch
    {
        BPF_JMP | BPF_JEQ | BPF_K => "jeq",
        BPF_JMP | BPF_JGE | BPF_K => "jge",
        BPF_JMP | BPF_JGT | BPF_K => "jgt",
        _ => "jset",
    };

    private static string Comment(sock_filter line, uint loaded)
    {
        int code = line.code;
        if (code == (BPF_LD | BPF_W | BPF_ABS))
        {
            return line.k switch
            {
                NumberAt => "number of the call",
                ArchitectureAt => "architecture",
                _ => $"argument {(line.k - FirstArgumentAt) / 8}"
                    + (line.k % 8 == 0 ? string.Empty : ", upper half"),
            };
        }

        if (code == (BPF_RET | BPF_K))
        {
            return Describe(line.k);
        }

        bool compares = (code & 7) == BPF_JMP && code != (BPF_JMP | BPF_JA);
        return !compares ? string.Empty
            : loaded == ArchitectureAt && line.k == AUDIT_ARCH_X86_64 ? "x86-64"
            : loaded == NumberAt ? SyscallNames.Of((int)line.k) ?? "x32"
            : loaded == FirstArgumentAt ? Flags(line.k) : string.Empty;
    }

    private static string Flags(uint mask)
    {
        IReadOnlyList<string> names = Policies.CloneFlags.Of(mask);
        return names.Count > MostNamed ? $"{names.Count} flags" : string.Join('|', names);
    }

    /// <summary>An action in words.</summary>
    public static string Describe(uint action) => (action & SECCOMP_RET_ACTION_FULL) switch
    {
        SECCOMP_RET_ALLOW => "allow",
        SECCOMP_RET_TRACE => "stop for the supervisor",
        SECCOMP_RET_KILL_PROCESS => "kill the process",
        _ => ((Errno)(action & SECCOMP_RET_DATA)).ToString(),
    };
}
