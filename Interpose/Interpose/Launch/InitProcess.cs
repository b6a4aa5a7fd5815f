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
/// It is a program of its own (Launch/init.c) in a sealed memory file, so a guest that got hold
/// of it would find nothing of the supervisor in its memory, and could not write to its file.
/// Who cannot read the file cannot trace what it became, nor see its descriptors: exec's
/// <c>would_dump</c>. The supervisor does not trace it either: its filter leaves it the calls that
/// it makes, none of which makes a task.
/// </remarks>
internal sealed class InitProcess : IDisposable
{
    private const string Name = "the init process";
    private const int Seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    private const int ExecuteOnly = 0x49;
    private readonly int _file;

    private InitProcess(int file) => _file = file;

    /// <summary>Brings the program into a file.</summary>
    public static unsafe Failure? Prepare(out InitProcess? init)
    {
        const uint flags = MFD_ALLOW_SEALING | MFD_EXEC;
        ReadOnlySpan<byte> name = "sandbox-init\0"u8;
        init = null;
        Errno errno = Posix.CreateMemory(name, flags, out int file);
        if (errno == Errno.EINVAL)
        {
            // Before Linux 6.3 all can be executed.
            errno = Posix.CreateMemory(name, flags & ~MFD_EXEC, out file);
        }

        if (errno != Errno.None)
        {
            return ("memfd_create for", Name, errno);
        }

        ulong size;

        // SAFETY: the image lies in this program's own constants, and lives as long as it.
        byte* image = Native.InitImage(&size);
        errno = Posix.Write(file, new ReadOnlySpan<byte>(image, (int)size), out int written);
        errno = errno == Errno.None && written != (int)size ? Errno.EIO : errno;
        errno = errno == Errno.None ? Posix.Seal(file, Seals) : errno;
        errno = errno == Errno.None ? Posix.ChangeMode(file, ExecuteOnly) : errno;
        if (errno != Errno.None)
        {
            Posix.Close(file);
            return ("write to a memory file of", Name, errno);
        }

        init = new(file);
        return null;
    }

    /// <summary>Adds the calls by which a task becomes it.</summary>
    public void Plan(LaunchPlan plan)
    {
        const string descriptors = "descriptors of the init process";
        plan.Add("close_range", descriptors, __NR_close_range, 0, _file - 1, 0);
        plan.Add(
            "close_range", descriptors, __NR_close_range, _file + 1,
            unchecked((nint)uint.MaxValue), 0);
        plan.AddFilter(Name, Filter());
        plan.Add(
            "execveat of", Name, __NR_execveat, _file, plan.Text([]),
            plan.Vector([plan.Text("sandbox-init"u8)]), plan.Vector([]), AT_EMPTY_PATH);
    }

    /// <inheritdoc/>
    public void Dispose() => Posix.Close(_file);

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
