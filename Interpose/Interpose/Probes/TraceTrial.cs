using Interpose.Abi;
using Interpose.LibC;
using Interpose.Ptrace;
using static Interpose.Abi.Uapi;

namespace Interpose.Probes;

/// <summary>What the engine needs of ptrace(2) and seccomp(2), as far as a trial got.</summary>
/// <param name="Seize">How PTRACE_SEIZE with the engine's options ended.</param>
/// <param name="Filter">How the child's filter was installed.</param>
/// <param name="Stopped">Whether SECCOMP_RET_TRACE stopped the child for us.</param>
/// <param name="Told">How PTRACE_GET_SYSCALL_INFO at that stop ended.</param>
/// <param name="Rewritten">Whether the call gave the child what we wrote over it.</param>
public readonly record struct TraceOutcome(
    Errno Seize, TrialOutcome Filter, bool Stopped, Errno Told, bool Rewritten);

/// <summary>
/// One call of a child taken the whole way: attached, stopped by the filter, read, answered.
/// </summary>
public static class TraceTrial
{
    private const ushort Mark = 0x5a;
    private const string Taken = "getppid";

    /// <summary>An errno that getppid(2) never gives.</summary>
    private const Errno Answer = Errno.EXDEV;

    private static readonly sock_filter[] Code =
    [
        new() { code = BPF_LD | BPF_W | BPF_ABS },
        new() { code = BPF_JMP | BPF_JEQ, k = __NR_getppid, jf = 1 },
        new() { code = BPF_RET, k = SECCOMP_RET_TRACE | Mark },
        new() { code = BPF_RET, k = SECCOMP_RET_ALLOW },
    ];

    /// <summary>Makes the trial.</summary>
    public static TraceOutcome Run()
    {
        using var trial = new Trial();
        trial.Filter(Code).Call(Taken, __NR_getppid);
        Errno errno = trial.Hold(out HostTid child);
        if (errno != Errno.None)
        {
            return new(errno, new("clone", errno), false, errno, false);
        }

        errno = Tracing.Seize(child, PtraceEngine.Options);
        if (errno != Errno.None)
        {
            TrialOutcome alone = trial.End(child);

            // Without a tracer the kernel answers SECCOMP_RET_TRACE with ENOSYS.
            return new(errno, alone.Step == Taken ? default : alone, false, errno, false);
        }

        bool stopped = false;
        Errno told = Errno.ESRCH;
        trial.LetGo();
        TrialWait wait = Waiting.End(child, status =>
        {
            bool call = status.Event == PTRACE_EVENT_SECCOMP;
            if (call)
            {
                stopped = true;
                told = Tracing.SyscallInfo(child, out ptrace_syscall_info info);
                bool right = told == Errno.None && info.op == PTRACE_SYSCALL_INFO_SECCOMP
                    && info.nr == __NR_getppid && info.ret_data == Mark;
                told = right || told != Errno.None ? told : Errno.EINVAL;
                Tracing.Poke(child, OFFSET_ORIG_RAX, ulong.MaxValue);
                Tracing.Poke(child, OFFSET_RAX, unchecked((ulong)-(long)Answer));
            }

            bool signal = status.Event == 0 && !status.IsSyscallStop;
            Tracing.Resume(child, PTRACE_CONT, signal ? status.StopSignal : 0);
        });
        TrialOutcome outcome = trial.Outcome(wait);
        bool rewritten = outcome == new TrialOutcome(Taken, Answer);
        return new(Errno.None, outcome.Step == Taken ? default : outcome, stopped, told, rewritten);
    }
}
