using System.Linq;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Rules;
using Sandbox.Kernel.Seccomp;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>
/// What a filter has to answer, said once more from the policy's own decisions and the kernel's
/// rules, and without a look at how the filter is compiled.
/// </summary>
internal sealed class FilterOracle(Policy whole, FilterOptions options)
{
    public const uint Trace = SECCOMP_RET_TRACE | CreationFilter.Mark;
    /// <summary>O_CREAT, and O_TMPFILE without O_DIRECTORY.</summary>
    private const ulong Makes = 0x40 | 0x400000;
    private const uint X32 = 0x4000_0000;
    private readonly CreationPolicy _policy = whole.Creation;
    private readonly bool _tells =
        options.TellsDenials || whole.Creation.OnViolation.Value == OnViolation.Kill;

    public uint Expect(in seccomp_data call)
    {
        if (call.arch != AUDIT_ARCH_X86_64)
        {
            return SECCOMP_RET_KILL_PROCESS;
        }

        if ((uint)call.nr >= X32)
        {
            return Error(Errno.ENOSYS);
        }

        return call.nr switch
        {
            __NR_fork => Gate(EntryPoint.Fork) ?? Creation(EntryPoint.Fork, 0, 0),
            __NR_vfork => Gate(EntryPoint.Vfork)
                ?? Creation(EntryPoint.Vfork, CLONE_VFORK | CLONE_VM, 0),
            __NR_clone => Gate(EntryPoint.Clone) ?? Clone(call),
            __NR_clone3 => Gate(EntryPoint.Clone3) ?? Trace,
            __NR_unshare => Gate(EntryPoint.Unshare) ?? Unshare(call.arg0),
            __NR_setns => Gate(EntryPoint.Setns) ?? (_tells || _policy.Namespaces.Limited != 0
                || (_policy.Allow & CloneFlags.Namespaces) != CloneFlags.Namespaces
                ? Trace : SECCOMP_RET_ALLOW),
            __NR_io_uring_setup or __NR_io_uring_enter or __NR_io_uring_register =>
                Error(Errno.EPERM),
            __NR_seccomp => ((uint)call.arg1 & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0
                ? Error(Errno.EBUSY) : SECCOMP_RET_ALLOW,
            __NR_ioctl => (uint)call.arg1 is TIOCSTI or TIOCLINUX
                ? Error(Errno.EPERM) : SECCOMP_RET_ALLOW,
            _ when Denied(call.nr) is var denied && denied != SECCOMP_RET_ALLOW => denied,
            _ when whole.MaySetId => SECCOMP_RET_ALLOW,
            __NR_chmod or __NR_fchmod or __NR_mknod or __NR_creat => OfMode(call.arg1),
            __NR_fchmodat or __NR_fchmodat2 or __NR_mknodat => OfMode(call.arg2),
            __NR_open => OfMode((call.arg1 & Makes) != 0 ? call.arg2 : 0),
            __NR_openat => OfMode((call.arg2 & Makes) != 0 ? call.arg3 : 0),
            __NR_openat2 => Error(Errno.ENOSYS),
            _ => SECCOMP_RET_ALLOW,
        };
    }

    /// <summary>A file of such a mode is made, or changed to it.</summary>
    private static uint OfMode(ulong mode) =>
        (mode & 0xc00) != 0 ? Error(Errno.EPERM) : SECCOMP_RET_ALLOW;

    /// <summary>What no rule of ours looks at is answered by its name alone.</summary>
    private uint Denied(int number)
    {
        foreach (DeniedSyscall call in whole.Isolation.Denied)
        {
            if (call.Number == number)
            {
                string? name = SyscallNames.Of(number);
                bool absent = SyscallGroups.All.Any(
                    g => g.Errno == Errno.ENOSYS && g.Calls.Contains(name!));
                return Error(absent ? Errno.ENOSYS : Errno.EPERM);
            }
        }

        return SECCOMP_RET_ALLOW;
    }

    private static uint Error(Errno errno) => SECCOMP_RET_ERRNO | (uint)errno;

    /// <summary>What a closed call gets; null for an open one.</summary>
    private uint? Gate(EntryPoint entry) => _policy.DecideEntry(entry) is not { } closed ? null
        : _tells || (entry == EntryPoint.Clone && OthersRunAsClone) ? Trace : Error(closed.Errno);

    /// <summary>The kernel asks the filter again of an allowed call that was rewritten.</summary>
    private bool OthersRunAsClone => _policy.DecideEntry(EntryPoint.Clone3) is null
        || (_policy.Require != 0 && (_policy.DecideEntry(EntryPoint.Fork) is null
            || _policy.DecideEntry(EntryPoint.Vfork) is null));

    /// <summary>The same of one call: it has what the policy puts in and lets nobody ask for.</summary>
    private bool MayBeRewritten(ulong flags) => (flags & CLONE_THREAD) == 0
        && _policy.ShapeRule(Shapes.Of(flags)).Action != FlagAction.Deny
        && (flags & _policy.Require & ~_policy.Allow) != 0;

    private uint Clone(in seccomp_data call)
    {
        ulong flags = (uint)call.arg0 & ~CSIGNAL;
        return options.LetsThreadsThrough && IsPlainThread(flags) ? SECCOMP_RET_ALLOW
            : Creation(EntryPoint.Clone, flags, call.arg2);
    }

    /// <summary>A thread of which nothing is denied, changed or beyond what threads have.</summary>
    private bool IsPlainThread(ulong flags)
    {
        const ulong made = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
        CreationDecision decision = _policy.Decide(flags);
        return (flags & made) == made && (flags & ~Shape.Thread.OwnFlags()) == 0
            && decision.Allowed && decision.Stripped == 0 && decision.Added == 0;
    }

    /// <summary>The filter is one for all kernels, so it heeds what the oldest refuses.</summary>
    private static HostFacts Host { get; } = new(new KernelVersion(5, 15));

    private uint Creation(EntryPoint entry, ulong flags, ulong pointer)
    {
        var request = new CloneRequest(entry, flags, 0, pointer, pointer, 0, 0, 0, 0, [], 0);
        CreationDecision decision = _policy.Decide(flags);

        // What is refused for a flag of the policy's own making is the supervisor's to tell.
        bool settled = !decision.Allowed && decision.Key != CreationPolicy.RequireKey
            && KernelRules.Judge(new(request, CallerFacts.Ordinary, Host)).Broken is null;
        bool again = entry == EntryPoint.Clone && MayBeRewritten(flags);
        return settled && !_tells && !again ? Error(decision.Errno) : Trace;
    }

    private uint Unshare(ulong flags)
    {
        if (_tells)
        {
            return Trace;
        }

        if ((flags & ~UnshareRules.Valid) != 0)
        {
            return Error(Errno.EINVAL);
        }

        CreationDecision decision = _policy.DecideUnshare(flags);
        return !decision.Allowed ? Error(decision.Errno)
            : decision.Stripped != 0 || (flags & _policy.Supervised) != 0 ? Trace
            : SECCOMP_RET_ALLOW;
    }
}
