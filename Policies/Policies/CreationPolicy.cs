using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Policies;

/// <summary>What a policy says of one request to create a task.</summary>
/// <param name="Allowed">Whether the request may go on.</param>
/// <param name="Errno">What the guest gets when it may not.</param>
/// <param name="Stripped">The flags to take out before the kernel sees the call.</param>
/// <param name="Rule">The key of the policy that decided.</param>
public readonly record struct CreationDecision(
    bool Allowed, Errno Errno, ulong Stripped, string Rule);

/// <summary>How many tasks a run may have; null is no limit of ours.</summary>
/// <param name="Tasks">Live tasks (threads and processes) of the run.</param>
/// <param name="Threads">Live threads of one process.</param>
/// <param name="Depth">Length of the chain from the first process to a new one.</param>
/// <param name="PerSecond">Creations within any one second.</param>
public sealed record CreationLimits(
    int? Tasks = null, int? Threads = null, int? Depth = null, int? PerSecond = null);

/// <summary>The section <c>creation</c> of a policy: which flags a guest may ask for.</summary>
/// <param name="Allow">Flags that are allowed.</param>
/// <param name="AllowPlain">Whether a call with no flag at all (fork) is allowed.</param>
/// <param name="Strip">Flags that are taken out of the call.</param>
/// <param name="Otherwise">What a request gets that is not allowed.</param>
/// <param name="Limits">How many tasks there may be.</param>
public sealed record CreationPolicy(
    ulong Allow, bool AllowPlain, ulong Strip, Errno Otherwise, CreationLimits Limits)
{
    /// <summary>
    /// Flags that would take a task out of observation. The engine strips them whatever the
    /// policy says: "CLONE_UNTRACED: [...] a tracing process cannot force CLONE_PTRACE on this
    /// child process" - clone(2).
    /// </summary>
    public const ulong AlwaysStripped = CLONE_UNTRACED | CLONE_PTRACE;

    /// <summary>Decides one request; a pure function of its arguments and of this policy.</summary>
    /// <param name="entry">The call that asks.</param>
    /// <param name="flags">The flags without the exit signal.</param>
    public CreationDecision Decide(EntryPoint entry, ulong flags)
    {
        if (entry == EntryPoint.Launch)
        {
            return new(true, Errno.None, 0, "launch");
        }

        ulong stripped = flags & (Strip | AlwaysStripped);
        ulong asked = flags & ~stripped;
        if (!AllowPlain || (asked & ~Allow) != 0)
        {
            return new(false, Otherwise, stripped, "creation.otherwise");
        }

        return new(true, Errno.None, stripped, "creation.allow");
    }
}
