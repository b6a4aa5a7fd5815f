using System.Collections.Immutable;

namespace Sandbox.Kernel.Rules;

/// <summary>A version of the kernel, as far as rules depend on it.</summary>
/// <param name="Major">6 of 6.18.44.</param>
/// <param name="Minor">18 of 6.18.44.</param>
/// <param name="Patch">44 of 6.18.44; 0 where the release does not tell.</param>
public readonly record struct KernelVersion(int Major, int Minor, int Patch = 0)
{
    /// <summary>Whether it is this one or a later one.</summary>
    public bool IsAtLeast(KernelVersion other) =>
        (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch)) >= 0;

    /// <summary>Whether they are releases of one stable series.</summary>
    public bool IsOfSeries(KernelVersion other) => Major == other.Major && Minor == other.Minor;
}

/// <summary>
/// A change that stable series took over, each at a release of its own: an order of versions
/// does not tell who has it.
/// </summary>
/// <param name="With">The first release of each series that is known to have it.</param>
/// <param name="Without">The last of each series that is known not to have it.</param>
public sealed record StableChange(
    ImmutableArray<KernelVersion> With, ImmutableArray<KernelVersion> Without)
{
    /// <summary>Whether a version has it; null when that is not known.</summary>
    public bool? IsIn(KernelVersion version)
    {
        foreach (KernelVersion first in With)
        {
            if (version.IsOfSeries(first) && version.IsAtLeast(first))
            {
                return true;
            }
        }

        foreach (KernelVersion last in Without)
        {
            if (version.IsOfSeries(last) && last.IsAtLeast(version))
            {
                return false;
            }
        }

        return null;
    }
}
