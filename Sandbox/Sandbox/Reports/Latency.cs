using System.Numerics;

namespace Sandbox.Reports;

/// <summary>
/// A histogram of durations: powers of two, each in 16 equal parts, so a quantile is right to
/// about 6 %. Adding allocates nothing but for the first duration of its power of two, which
/// is at most 64 times in a run.
/// </summary>
internal sealed class Latency
{
    private const int PartBits = 4;
    private const int Parts = 1 << PartBits;
    private const int Powers = 64 - PartBits;
    private readonly int[]?[] _counts = new int[Powers][];

    /// <summary>How many durations.</summary>
    public long Count { get; private set; }

    /// <summary>Their sum in nanoseconds.</summary>
    public long Total { get; private set; }

    /// <summary>Adds a duration in nanoseconds.</summary>
    public void Add(long nanoseconds)
    {
        ulong value = nanoseconds < 0 ? 0 : (ulong)nanoseconds;
        int index = Index(value);
        (_counts[index / Parts] ??= new int[Parts])[index % Parts]++;
        Count++;
        Total += (long)value;
    }

    /// <summary>The duration that a share of all stay below, from 0 to 1; 0 without any.</summary>
    public long Quantile(double share)
    {
        long rank = (long)(share * (Count - 1));
        long seen = 0;
        for (int i = 0; i < Powers * Parts; i++)
        {
            int count = _counts[i / Parts]?[i % Parts] ?? 0;
            seen += count;
            if (count > 0 && seen > rank)
            {
                return Lowest(i);
            }
        }

        return 0;
    }

    private static int Index(ulong value)
    {
        if (value < Parts)
        {
            return (int)value;
        }

        int power = BitOperations.Log2(value);
        int part = (int)(value >> (power - PartBits)) & (Parts - 1);
        return ((power - PartBits + 1) * Parts) + part;
    }

    private static long Lowest(int index)
    {
        if (index < Parts)
        {
            return index;
        }

        int power = (index / Parts) + PartBits - 1;
        return (long)(Parts + (index % Parts)) << (power - PartBits);
    }
}
