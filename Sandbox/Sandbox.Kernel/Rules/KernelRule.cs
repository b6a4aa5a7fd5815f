using System.Collections.Immutable;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Rules;

/// <summary>One check that the kernel makes of a request, in its own words and place.</summary>
/// <param name="Name">Short name for reports.</param>
/// <param name="Function">The kernel function that makes it (v6.18).</param>
/// <param name="Errno">What it answers.</param>
/// <param name="Violated">True when the request breaks it.</param>
/// <param name="Flags">The same condition as data, where it is one of flags alone.</param>
public sealed record KernelRule(
    string Name, string Function, Errno Errno, RuleTest Violated, FlagTest? Flags = null)
{
    /// <summary>A rule of flags alone.</summary>
    public static KernelRule Of(string name, string function, Errno errno, FlagTest flags) =>
        new(name, function, errno, (in r) => flags.Holds(r.Flags), flags);
}

/// <summary>A condition on flags.</summary>
/// <param name="All">All of these are there,</param>
/// <param name="None">none of these is,</param>
/// <param name="Any">and one of these at least; 0 for no such demand.</param>
public readonly record struct FlagTest(ulong All, ulong None = 0, ulong Any = 0)
{
    /// <summary>Whether it holds.</summary>
    public bool Holds(ulong flags) =>
        (flags & (All | None)) == All && (Any == 0 || (flags & Any) != 0);
}

/// <summary>A rule's condition: a pure function of the request.</summary>
public delegate bool RuleTest(in CloneRequest request);

/// <summary>
/// The checks that depend on the request alone, in the order of <c>kernel_clone</c> and
/// <c>copy_process</c>. What depends on the caller's credentials, namespaces and on the host's
/// state is left to the kernel, whose refusal is seen and unwound.
/// </summary>
public static class KernelRules
{
    private const ulong KnownFlags = 0xffff_ffff | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;
    private const ulong TaskSizeMax = 0x7fff_ffff_f000;

    /// <summary>What <c>clone3_args_valid</c> asks of a clone3 call.</summary>
    public static ImmutableArray<KernelRule> Clone3Args { get; } =
    [
        new("unknown flags", "clone3_args_valid", Errno.EINVAL,
            static (in r) => (r.Flags & ~KnownFlags) != 0),
        new("CLONE_DETACHED or signal bits in flags", "clone3_args_valid", Errno.EINVAL,
            static (in r) => (r.Flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME))) != 0),
        KernelRule.Of(
            "CLONE_SIGHAND with CLONE_CLEAR_SIGHAND", "clone3_args_valid", Errno.EINVAL,
            new(CLONE_SIGHAND | CLONE_CLEAR_SIGHAND)),
        new("exit_signal with CLONE_THREAD or CLONE_PARENT", "clone3_args_valid", Errno.EINVAL,
            static (in r) => (r.Flags & (CLONE_THREAD | CLONE_PARENT)) != 0 && r.ExitSignal != 0),
        new("stack and stack_size", "clone3_stack_valid", Errno.EINVAL, BadStack),
    ];

    /// <summary>
    /// What <c>kernel_clone</c> and the top of <c>copy_process</c> ask of any call.
    /// </summary>
    public static ImmutableArray<KernelRule> CopyProcess { get; } =
    [
        new("CLONE_PIDFD and CLONE_PARENT_SETTID at one address", "kernel_clone", Errno.EINVAL,
            static (in r) => Has(r, CLONE_PIDFD | CLONE_PARENT_SETTID) && r.PidFd == r.ParentTid),
        KernelRule.Of(
            "CLONE_NEWNS with CLONE_FS", "copy_process", Errno.EINVAL, new(CLONE_NEWNS | CLONE_FS)),
        KernelRule.Of(
            "CLONE_NEWUSER with CLONE_FS", "copy_process", Errno.EINVAL,
            new(CLONE_NEWUSER | CLONE_FS)),
        KernelRule.Of(
            "CLONE_THREAD without CLONE_SIGHAND", "copy_process", Errno.EINVAL,
            new(CLONE_THREAD, None: CLONE_SIGHAND)),
        KernelRule.Of(
            "CLONE_SIGHAND without CLONE_VM", "copy_process", Errno.EINVAL,
            new(CLONE_SIGHAND, None: CLONE_VM)),
        KernelRule.Of(
            "CLONE_THREAD with CLONE_NEWUSER or CLONE_NEWPID", "copy_process", Errno.EINVAL,
            new(CLONE_THREAD, Any: CLONE_NEWUSER | CLONE_NEWPID)),
        KernelRule.Of(
            "CLONE_PIDFD with CLONE_DETACHED", "copy_process", Errno.EINVAL,
            new(CLONE_PIDFD | CLONE_DETACHED)),
    ];

    /// <summary>The first rule of a list that a request breaks; null when it breaks none.</summary>
    public static KernelRule? FirstViolated(
        ImmutableArray<KernelRule> rules, in CloneRequest request)
    {
        foreach (KernelRule rule in rules)
        {
            if (rule.Violated(request))
            {
                return rule;
            }
        }

        return null;
    }

    private static bool Has(in CloneRequest request, ulong flags) =>
        (request.Flags & flags) == flags;

    private static bool BadStack(in CloneRequest r)
    {
        if (r.Stack == 0)
        {
            return r.StackSize != 0;
        }

        ulong top = unchecked(r.Stack + r.StackSize);
        return r.StackSize == 0 || top < r.Stack || top > TaskSizeMax;
    }
}
