using System.Collections.Immutable;
using Interpose.Abi;
using Policies;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Rules;

/// <summary>What the kernel asks of unshare(2): <c>ksys_unshare</c>.</summary>
public static class UnshareRules
{
    /// <summary>
    /// The flags that <c>check_unshare_flags</c> lets through; any other bit, the upper half of
    /// the argument included, is EINVAL.
    /// </summary>
    public const ulong Valid = CloneFlags.Namespaces | CLONE_THREAD | CLONE_FS | CLONE_SIGHAND
        | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM;

    private const string Check = "check_unshare_flags";

    /// <summary>The rules in order; the request's flags are the call's argument.</summary>
    public static ImmutableArray<KernelRule> All { get; } =
    [
        new("CLONE_NEWUSER where unprivileged_userns_clone is 0", "ksys_unshare", Errno.EPERM,
            static (in i) => !Has(i, CLONE_NEWUSER) || i.Host.OpenUserNamespaces ? false
                : !i.Caller.HasSysAdminOfHost),
        new("unknown flags", Check, Errno.EINVAL, static (in i) => (i.Request.Flags & ~Valid) != 0),
        new("more than one thread", Check, Errno.EINVAL,
            static (in i) => Any(i, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)
                ? i.Caller.IsMultiThreaded : false),
        new("shared signal handlers", Check, Errno.EINVAL,
            static (in i) => Any(i, CLONE_SIGHAND | CLONE_VM) ? i.Caller.SharesSighand : false),
        new("shared memory", Check, Errno.EINVAL,
            static (in i) => Any(i, CLONE_VM) ? i.Caller.SharesMm : false),
        .. CloneStateRules.UserNamespace,
        .. CloneStateRules.OtherNamespaces,
    ];

    /// <summary>
    /// What one flag brings with it: "CLONE_NEWUSER [...] automatically implies CLONE_THREAD
    /// [...] and CLONE_FS" - unshare(2).
    /// </summary>
    internal static ulong Implied(ulong flags)
    {
        flags |= (flags & CLONE_NEWUSER) != 0 ? CLONE_THREAD | CLONE_FS : 0;
        flags |= (flags & CLONE_VM) != 0 ? CLONE_SIGHAND : 0;
        flags |= (flags & CLONE_SIGHAND) != 0 ? CLONE_THREAD : 0;
        return flags | ((flags & CLONE_NEWNS) != 0 ? CLONE_FS : 0);
    }

    private static bool Has(in RuleInput input, ulong flags) =>
        (input.Request.Flags & flags) == flags;

    private static bool Any(in RuleInput input, ulong flags) =>
        (Implied(input.Request.Flags) & flags) != 0;
}
