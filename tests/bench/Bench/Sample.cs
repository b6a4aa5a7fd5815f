using System;
using System.Collections.Generic;
using System.Linq;

namespace Bench;

/// <summary>Values of one kind: their middle and their spread.</summary>
/// <param name="Values">One for each round.</param>
internal sealed record Sample(IReadOnlyList<double> Values)
{
    private const double Lower = 0.1;
    private const double Upper = 0.9;

    public bool IsEmpty => Values.Count == 0;

    public double Median => Quantile(0.5);

    public double P10 => Quantile(Lower);

    public double P90 => Quantile(Upper);

    /// <summary>The ratio of two ways in each round: what a slow moment does to both.</summary>
    public Sample Over(Sample other) => new(
        [.. Values.Zip(other.Values, (a, b) => a / b).Where(double.IsFinite)]);

    /// <summary>Between the two values next to it, in proportion.</summary>
    private double Quantile(double share)
    {
        if (IsEmpty)
        {
            return double.NaN;
        }

        double[] sorted = [.. Values.Order()];
        double at = share * (sorted.Length - 1);
        int below = (int)Math.Floor(at);
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((at - below) * (sorted[above] - sorted[below]));
    }
}
