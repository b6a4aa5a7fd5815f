using System.Collections.Immutable;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Rules;

/// <summary>One check that the kernel makes of a request, in its own words and place.</summary>
/// <param name="Name">Short name for reports.</param>
/// <param name="Function">The kernel function that makes it (v6.18).</param>
/// <param name="Errno">What it answers.</param>
/// <param name="Violated">True when the request breaks it.</param>
public sealed record KernelRule(string Name, string Function, Errno Errno, RuleTest Violated);

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
        new("CLONE_SIGHAND with CLONE_CLEAR_SIGHAND", "clone3_args_valid", Errno.EINVAL,
            static (in r) => Has(r, CLONE_SIGHAND | CLONE_CLEAR_SIGHAND)),
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
        new("CLONE_NEWNS with CLONE_FS", "copy_process", Errno.EINVAL,
            static (in r) => Has(r, CLONE_NEWNS | CLONE_FS)),
        new("CLONE_NEWUSER with CLONE_FS", "copy_process", Errno.EINVAL,
            static (in r) => Has(r, CLONE_NEWUSER | CLONE_FS)),
        new("CLONE_THREAD without CLONE_SIGHAND", "copy_process", Errno.EINVAL,
            static (in r) => (r.Flags & (CLONE_THREAD | CLONE_SIGHAND)) == CLONE_THREAD),
        new("CLONE_SIGHAND without CLONE_VM", "copy_process", Errno.EINVAL,
            static (in r) => (r.Flags & (CLONE_SIGHAND | CLONE_VM)) == CLONE_SIGHAND),
        new("CLONE_THREAD with CLONE_NEWUSER or CLONE_NEWPID", "copy_process", Errno.EINVAL,
            static (in r) => Has(r, CLONE_THREAD)
                && (r.Flags & (CLONE_NEWUSER | CLONE_NEWPID)) != 0),
        new("CLONE_PIDFD with CLONE_DETACHED", "copy_process", Errno.EINVAL,
            static (in r) => Has(r, CLONE_PIDFD | CLONE_DETACHED)),
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
