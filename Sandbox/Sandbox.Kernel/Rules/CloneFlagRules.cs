using System.Collections.Immutable;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Rules;

/// <summary>
/// Rules that come before anything is made: <c>clone3_args_valid</c>, <c>kernel_clone</c> and
/// the top of <c>copy_process</c>.
/// </summary>
internal static class CloneFlagRules
{
    private const ulong KnownFlags = 0xffff_ffff | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;
    private const string Args = "clone3_args_valid";
    private const string Process = "copy_process";

    /// <summary>What <c>clone3_args_valid</c> asks of a clone3 call.</summary>
    public static ImmutableArray<KernelRule> Clone3Args { get; } =
    [
        new("unknown flags", Args, Errno.EINVAL,
            static (in i) => (i.Request.Flags & ~KnownFlags) != 0),
        new("CLONE_DETACHED or signal bits in flags", Args, Errno.EINVAL,
            static (in i) =>
                (i.Request.Flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME))) != 0),
        KernelRule.Of(
            "CLONE_SIGHAND with CLONE_CLEAR_SIGHAND", Args, Errno.EINVAL,
            new(CLONE_SIGHAND | CLONE_CLEAR_SIGHAND)),
        new("exit_signal with CLONE_THREAD or CLONE_PARENT", Args, Errno.EINVAL,
            static (in i) => (i.Request.Flags & (CLONE_THREAD | CLONE_PARENT)) != 0
                && i.Request.ExitSignal != 0),
        new("stack and stack_size", "clone3_stack_valid", Errno.EINVAL, BadStack),
    ];

    /// <summary>What <c>kernel_clone</c> asks of any call.</summary>
    public static ImmutableArray<KernelRule> KernelClone { get; } =
    [
        new("CLONE_PIDFD and CLONE_PARENT_SETTID at one address", "kernel_clone", Errno.EINVAL,
            static (in i) => Has(i, CLONE_PIDFD | CLONE_PARENT_SETTID)
                && i.Request.PidFd == i.Request.ParentTid),
    ];

    /// <summary>What the top of <c>copy_process</c> asks of any call.</summary>
    public static ImmutableArray<KernelRule> CopyProcess { get; } =
    [
        KernelRule.Of(
            "CLONE_NEWNS with CLONE_FS", Process, Errno.EINVAL, new(CLONE_NEWNS | CLONE_FS)),
        KernelRule.Of(
            "CLONE_NEWUSER with CLONE_FS", Process, Errno.EINVAL, new(CLONE_NEWUSER | CLONE_FS)),
        new("CLONE_NEWUSER where unprivileged_userns_clone is 0", Process, Errno.EPERM,
            static (in i) => !Has(i, CLONE_NEWUSER) || i.Host.OpenUserNamespaces ? false
                : !i.Caller.HasSysAdminOfHost),
        KernelRule.Of(
            "CLONE_THREAD without CLONE_SIGHAND", Process, Errno.EINVAL,
            new(CLONE_THREAD, None: CLONE_SIGHAND)),
        KernelRule.Of(
            "CLONE_SIGHAND without CLONE_VM", Process, Errno.EINVAL,
            new(CLONE_SIGHAND, None: CLONE_VM)),
        new("CLONE_PARENT by the init of a pid namespace", Process, Errno.EINVAL,
            static (in i) => Has(i, CLONE_PARENT) ? i.Caller.IsInit : false),
        KernelRule.Of(
            "CLONE_THREAD with CLONE_NEWUSER or CLONE_NEWPID", Process, Errno.EINVAL,
            new(CLONE_THREAD, Any: CLONE_NEWUSER | CLONE_NEWPID)),
        new("CLONE_THREAD while a pid namespace is pending", Process, Errno.EINVAL,
            static (in i) => Has(i, CLONE_THREAD) ? i.Caller.PidNamespacePending : false),
        new("CLONE_VM or CLONE_THREAD while a time namespace is pending", Process, Errno.EINVAL,
            static (in i) => (i.Request.Flags & (CLONE_VM | CLONE_THREAD)) != 0
                ? i.Caller.TimeNamespacePending : false,
            Until: new(6, 2)),
        KernelRule.Of(
            "CLONE_PIDFD with CLONE_DETACHED", Process, Errno.EINVAL,
            new(CLONE_PIDFD | CLONE_DETACHED)),
        KernelRule.Of(
            "CLONE_PIDFD with CLONE_THREAD", Process, Errno.EINVAL,
            new(CLONE_PIDFD | CLONE_THREAD)) with { Until = new(6, 9) },
    ];

    private static bool Has(in RuleInput input, ulong flags) =>
        (input.Request.Flags & flags) == flags;

    private static bool? BadStack(in RuleInput input)
    {
        CloneRequest r = input.Request;
        if (r.Stack == 0)
        {
            return r.StackSize != 0;
        }

        ulong top = unchecked(r.Stack + r.StackSize);
        return r.StackSize == 0 || top < r.Stack || top > input.Host.TaskSizeMax;
    }
}
