using Policies;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Rules;

/// <summary>What the kernel asks of unshare(2) that its argument alone tells.</summary>
public static class UnshareRules
{
    /// <summary>
    /// The flags that <c>check_unshare_flags</c> lets through; any other bit, the upper half of
    /// the argument included, is EINVAL.
    /// </summary>
    public const ulong Valid = CloneFlags.Namespaces | CLONE_THREAD | CLONE_FS | CLONE_SIGHAND
        | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM;
}
