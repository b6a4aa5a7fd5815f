using System.Runtime.CompilerServices;

namespace Policies;

/// <summary>
/// Remembers what a policy said, as SELinux's access vector cache does: guests ask for the same
/// few things again and again. Limits are not part of it, for they change from call to call.
/// </summary>
/// <param name="policy">The policy of the run.</param>
public sealed class DecisionCache(CreationPolicy policy)
{
    private const int SlotBits = 6;
    private readonly Slot[] _slots = new Slot[1 << SlotBits];

    /// <summary>
    /// Whether requests are counted: not while a call is made again that was counted before.
    /// </summary>
    public bool Counting { get; set; } = true;

    /// <summary>Requests that were answered from memory.</summary>
    public long Hits { get; private set; }

    /// <summary>Requests that had to be decided.</summary>
    public long Misses { get; private set; }

    /// <summary>The decision on a request, the same that the policy itself would make.</summary>
    /// <param name="domain">The caller's domain.</param>
    /// <param name="entry">The call.</param>
    /// <param name="flags">Its flags without the exit signal.</param>
    public CreationDecision Decide(Domain domain, EntryPoint entry, ulong flags)
    {
        ref Slot slot = ref _slots[IndexOf(domain, entry, flags)];
        if (slot.Used && slot.Flags == flags && slot.Entry == entry && slot.Domain == domain)
        {
            Hits += Counting ? 1 : 0;
            return slot.Decision;
        }

        Misses += Counting ? 1 : 0;
        slot = new(true, domain, entry, flags, entry == EntryPoint.Unshare
            ? policy.DecideUnshare(flags) : policy.Decide(flags));
        return slot.Decision;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int IndexOf(Domain domain, EntryPoint entry, ulong flags)
    {
        ulong mixed = (flags ^ ((ulong)entry << 40) ^ ((ulong)domain.Index << 48))
            * 0x9e37_79b9_7f4a_7c15;
        return (int)(mixed >> (64 - SlotBits));
    }

    private readonly record struct Slot(
        bool Used, Domain Domain, EntryPoint Entry, ulong Flags, CreationDecision Decision);
}
