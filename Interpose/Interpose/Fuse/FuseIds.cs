using System.Collections.Generic;

namespace Interpose.Fuse;

/// <summary>Ids between the mount's user namespace and the server's.</summary>
internal sealed class FuseIds(IReadOnlyList<FuseIdRange> ranges)
{
    private const uint Overflow = 65534;
    private readonly FuseIdRange[] _ranges = [.. ranges];

    /// <summary>What guests see of an id.</summary>
    public uint ToMount(uint outside)
    {
        foreach (FuseIdRange range in _ranges)
        {
            if (outside - range.Outside < range.Count)
            {
                return outside - range.Outside + range.Inside;
            }
        }

        return _ranges.Length == 0 ? outside : Overflow;
    }

    /// <summary>What an id of guests is here; false: nothing.</summary>
    public bool TryFromMount(uint inside, out uint outside)
    {
        foreach (FuseIdRange range in _ranges)
        {
            if (inside - range.Inside < range.Count)
            {
                outside = inside - range.Inside + range.Outside;
                return true;
            }
        }

        outside = inside;
        return _ranges.Length == 0;
    }
}
