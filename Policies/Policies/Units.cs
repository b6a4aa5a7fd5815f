using System;
using System.Globalization;

namespace Policies;

/// <summary>Sizes and durations as policies and options write them.</summary>
public static class Units
{
    /// <summary>
    /// Reads a size in bytes: a whole number, then K, M, G or T for powers of 1024.
    /// </summary>
    public static bool TrySize(string text, out ulong bytes)
    {
        int shift = text.Length == 0 ? 0 : text[^1] switch
        {
            'K' => 10,
            'M' => 20,
            'G' => 30,
            'T' => 40,
            _ => 0,
        };
        string digits = shift == 0 ? text : text[..^1];
        return ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out bytes)
            && Scale(ref bytes, 1UL << shift);
    }

    /// <summary>Reads a duration: a number, then ms, s, m or h; at most about 24 days.</summary>
    public static bool TryDuration(string text, out TimeSpan duration)
    {
        (string unit, double milliseconds) = text switch
        {
            _ when text.EndsWith("ms", StringComparison.Ordinal) => ("ms", 1.0),
            _ when text.EndsWith('s') => ("s", 1_000.0),
            _ when text.EndsWith('m') => ("m", 60_000.0),
            _ when text.EndsWith('h') => ("h", 3_600_000.0),
            _ => ("", 0.0),
        };
        duration = TimeSpan.Zero;
        if (unit.Length == 0 || !double.TryParse(
            text[..^unit.Length], NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture, out double n))
        {
            return false;
        }

        double total = n * milliseconds;
        if (total is <= 0 or > int.MaxValue)
        {
            return false;
        }

        duration = TimeSpan.FromMilliseconds(total);
        return true;
    }

    private static bool Scale(ref ulong value, ulong factor)
    {
        UInt128 product = (UInt128)value * factor;
        value = (ulong)product;
        return product <= long.MaxValue;
    }
}
