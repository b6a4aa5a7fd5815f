using Interpose.Abi;

namespace Policies;

/// <summary>
/// The rules that a task lives under; each run has one domain so far. Part of every decision's
/// key.
/// </summary>
/// <param name="Index">Its number in the policy; 0 is the run's own.</param>
public readonly record struct Domain(int Index);

/// <summary>What a policy says of one request.</summary>
/// <param name="Errno">None when it may go on; else what the guest gets.</param>
/// <param name="Stripped">The flags to take out before the kernel sees the call.</param>
/// <param name="Added">The flags to put in.</param>
/// <param name="Key">The key of the policy that decided.</param>
/// <param name="Origin">Where that key was set.</param>
/// <param name="Decisive">The flags that made it a denial; 0 when it was no flag.</param>
public readonly record struct CreationDecision(
    Errno Errno, ulong Stripped, ulong Added, string Key, Origin Origin, ulong Decisive)
{
    /// <summary>Whether the request may go on.</summary>
    public bool Allowed => Errno == Errno.None;

    internal static CreationDecision Deny(Sourced<Errno> why, string key, ulong decisive = 0) =>
        new(why.Value, 0, 0, key, why.Origin, decisive);
}
