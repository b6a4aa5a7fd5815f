using System.Collections.Immutable;

namespace Policies;

/// <summary>One resolved policy: immutable, complete, and all that decisions look at.</summary>
/// <param name="Name">How messages call it.</param>
/// <param name="Creation">What guests may create.</param>
/// <param name="Resources">What each task is held to.</param>
/// <param name="Isolation">What a run has for itself, and what it gives up.</param>
/// <param name="Filesystem">What files guests see.</param>
/// <param name="Degrade">What a run may go without when the host cannot give it.</param>
/// <param name="Values">
/// Every single value that was set, as text, by its key, with where it was set.
/// </param>
public sealed record Policy(
    string Name,
    CreationPolicy Creation,
    ResourcePolicy Resources,
    IsolationPolicy Isolation,
    FilesystemPolicy Filesystem,
    ImmutableArray<Sourced<Protection>> Degrade,
    ImmutableSortedDictionary<string, Sourced<string>> Values)
{
    /// <summary>Whether Landlock fences the run: where asked for, or beside file rules.</summary>
    public bool UsesLandlock => Isolation.Landlock ?? !Filesystem.IsEmpty;

    /// <summary>
    /// Whether guests may make set-user-ID and set-group-ID files: beside file rules only where
    /// the policy says so.
    /// </summary>
    public bool MaySetId => Isolation.SetId ?? Filesystem.IsEmpty;

    /// <summary>Whether the run may go without a protection that the host cannot give.</summary>
    public bool MayDegrade(Protection protection)
    {
        foreach (Sourced<Protection> named in Degrade)
        {
            if (named.Value == protection)
            {
                return true;
            }
        }

        return false;
    }
}
