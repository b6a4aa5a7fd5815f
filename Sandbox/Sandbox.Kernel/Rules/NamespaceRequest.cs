using Interpose.Abi;
using Policies;

namespace Sandbox.Kernel.Rules;

/// <summary>
/// A request for namespaces of the caller's own: unshare(2) is judged by its argument, setns(2)
/// by what its descriptor is, whatever type the caller names.
/// </summary>
/// <param name="Entry">The call.</param>
/// <param name="Caller">The thread that called.</param>
/// <param name="A0">Flags of unshare, descriptor of setns.</param>
/// <param name="A1">Type of setns.</param>
/// <param name="Enters">The types that a setns would change, as CLONE_NEW flags.</param>
public readonly record struct NamespaceRequest(
    EntryPoint Entry, HostTid Caller, ulong A0, ulong A1, ulong Enters = 0)
{
    /// <summary>
    /// The flags in the call itself; of setns those that the caller names, an int.
    /// </summary>
    public ulong Flags => Entry == EntryPoint.Unshare ? A0 : (uint)A1;

    /// <summary>
    /// What the call is about: the types of namespaces, and other flags of unshare.
    /// </summary>
    public ulong Asked => Entry == EntryPoint.Unshare ? A0 : Enters;

    /// <summary>Judges it: the closed call, the kernel's rules, the policy.</summary>
    /// <param name="policy">The rules of the run.</param>
    /// <param name="decisions">What the policy said before.</param>
    /// <param name="runs">The first argument that the call runs with.</param>
    /// <param name="decision">The rule that let it through.</param>
    /// <returns>A refusal; null when it may run.</returns>
    public Refusal? Judge(
        CreationPolicy policy, DecisionCache decisions, out ulong runs,
        out CreationDecision decision)
    {
        runs = A0;
        decision = default;
        if (policy.DecideEntry(Entry) is { } closed)
        {
            return Refusal.Of(closed);
        }

        if (Entry == EntryPoint.Setns)
        {
            decision = policy.DecideSetns(Enters);
            return decision.Allowed ? null : Refusal.Of(decision);
        }

        if ((A0 & ~UnshareRules.Valid) != 0)
        {
            return new(Errno.EINVAL, RefusedBy.KernelRule, "check_unshare_flags: unknown flags");
        }

        decision = decisions.Decide(new Domain(0), Entry, A0);
        runs = A0 & ~decision.Stripped;
        return decision.Allowed ? null : Refusal.Of(decision);
    }
}
