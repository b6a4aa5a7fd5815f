using System.Collections.Immutable;

namespace Policies;

/// <summary>One resolved policy: immutable, complete, and all that decisions look at.</summary>
/// <param name="Name">How messages call it.</param>
/// <param name="Creation">What guests may create.</param>
/// <param name="Resources">What each task is held to.</param>
/// <param name="Values">
/// Every single value that was set, as text, by its key, with where it was set.
/// </param>
public sealed record Policy(
    string Name,
    CreationPolicy Creation,
    ResourcePolicy Resources,
    ImmutableSortedDictionary<string, Sourced<string>> Values);
