using Policies;

namespace Sandbox.Kernel.Seccomp;

/// <summary>How much of a policy the filter decides by itself.</summary>
/// <param name="TellsDenials">
/// Somebody is to be told of denials: they go to the supervisor, which alone can tell.
/// </param>
/// <param name="LetsThreadsThrough">
/// The engine sees a thread that nobody asked it for, and the run has nothing to decide about it.
/// </param>
public readonly record struct FilterOptions(bool TellsDenials, bool LetsThreadsThrough)
{
    /// <summary>
    /// What a run under a policy needs: threads are decided about where something limits or
    /// places them.
    /// </summary>
    public static FilterOptions For(Policy policy, bool tellsDenials) =>
        new(tellsDenials, policy.Creation.Limits.IsEmpty && policy.Resources.IsEmpty);
}
