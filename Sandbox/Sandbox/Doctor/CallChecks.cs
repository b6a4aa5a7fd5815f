using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Placement;
using Interpose.Probes;
using Interpose.Ptrace;
using static Interpose.Abi.Uapi;

namespace Sandbox.Doctor;

/// <summary>The system calls that launch, engine and guests need, each made by a child.</summary>
internal static class CallChecks
{
    private const string Group = "calls";
    private const string OuterFilter =
        "docker run --security-opt seccomp=unconfined, or a kernel of 5.15 or newer";

    public static IEnumerable<Check> Look()
    {
        yield return Of("clone3", false, Clone3());
        yield return Of(
            "close_range", true, Trial.Of("close_range", __NR_close_range, 3, int.MaxValue));
        yield return Of("openat2", false, OpenAt2());
        yield return Of("faccessat2", true, Access());
        (Check memory, Check limits, Check sharing) = OnChild();
        yield return memory;
        yield return limits;
        yield return sharing;
        yield return Of("pidfd_open", false, PidFd());
    }

    private static Check Of(string name, bool required, in TrialOutcome outcome) => new(
        Group, name, required, outcome.Ok ? CheckState.Ok : CheckState.Missing, "",
        outcome.ToString(), outcome.Ok ? "" : OuterFilter);

    /// <summary>
    /// The child makes a child of its own, which walks on through the same calls.
    /// </summary>
    private static TrialOutcome Clone3()
    {
        using var trial = new Trial();
        var arguments = new clone_args { exit_signal = SIGCHLD };
        return trial
            .Call("clone3", __NR_clone3, trial.Memory([arguments]), CLONE_ARGS_SIZE_VER0)
            .CallPassing(Errno.ECHILD, "wait4", __NR_wait4, -1, 0, __WALL)
            .Run();
    }

    private static TrialOutcome OpenAt2()
    {
        using var trial = new Trial();
        ulong[] how = [O_PATH | O_CLOEXEC, 0, 0];
        return trial.Call(
            "openat2", __NR_openat2, AT_FDCWD, trial.Text("/"), trial.Memory<ulong>(how),
            how.Length * sizeof(ulong)).Run();
    }

    private static TrialOutcome Access()
    {
        using var trial = new Trial();
        return trial.Call(
            "faccessat2", __NR_faccessat2, AT_FDCWD, trial.Text("/"), 0, AT_EACCESS).Run();
    }

    /// <summary>A signal that is none, through a descriptor of this process.</summary>
    private static TrialOutcome PidFd() =>
        Trial.Of("pidfd_open", __NR_pidfd_open, System.Environment.ProcessId);

    /// <summary>What the supervisor does to a guest from outside.</summary>
    private static (Check Memory, Check Limits, Check Sharing) OnChild()
    {
        using var trial = new Trial();
        nint address = trial.Memory<byte>([1]);
        System.Span<byte> copy = stackalloc byte[1];
        Errno memory = Errno.ESRCH;
        Errno limits = Errno.ESRCH;
        bool? shares = null;
        if (trial.Hold(out HostTid child) is var errno && errno == Errno.None)
        {
            memory = GuestMemory.Read(child, (ulong)address, copy, out int read);
            memory = memory == Errno.None && read == 1 ? memory : Errno.EFAULT;
            limits = TaskAttributes.GetLimit(child, RLIMIT_NOFILE, out _);
            shares = TaskAttributes.Share(child, child, KCMP_VM);
            trial.End(child);
        }

        return (
            Of("process_vm_readv", true, Told("process_vm_readv", memory)),
            Of("prlimit64", true, Told("prlimit64", limits)),
            new(Group, "kcmp", false, shares == true ? CheckState.Ok : CheckState.Missing, "",
                shares == true ? "" : "the kernel has no CONFIG_KCMP, or a filter denies it: "
                    + "--verify compares less"));
    }

    private static TrialOutcome Told(string name, Errno errno) =>
        errno == Errno.None ? default : new(name, errno);
}
