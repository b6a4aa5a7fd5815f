using System;
using System.Collections.Generic;

namespace Policies.Files;

/// <summary>Finds the name that somebody most likely meant.</summary>
public static class Nearest
{
    private const int LongestLookedAt = 64;

    /// <summary>A question to put behind an error, or nothing when no name is near.</summary>
    /// <param name="written">What was written.</param>
    /// <param name="names">What there is.</param>
    public static string Suggest(string written, IEnumerable<string> names) =>
        To(written, names) is { } near ? $"; did you mean {near}?" : string.Empty;

    /// <summary>The nearest of some names; null when none is near.</summary>
    public static string? To(string written, IEnumerable<string> names)
    {
        if (written.Length is 0 or > LongestLookedAt)
        {
            return null;
        }

        string wanted = written.ToUpperInvariant();
        string? best = null;
        int least = int.MaxValue;
        foreach (string name in names)
        {
            bool part = written.Length > 2
                && name.EndsWith(written, StringComparison.OrdinalIgnoreCase);
            int most = Math.Max(1, Math.Max(written.Length, name.Length) / 3);
            if (!part && Math.Abs(written.Length - name.Length) > most)
            {
                continue;
            }

            most = Math.Min(most, least - 1);
            int distance = part ? 0 : Distance(wanted, name.ToUpperInvariant(), most);
            if (distance <= most)
            {
                (best, least) = (name, distance);
            }
        }

        return best;
    }

    /// <summary>
    /// How many letters must be put in, taken out, changed or swapped with their neighbour; more
    /// than <paramref name="most"/> are not counted out.
    /// </summary>
    private static int Distance(string a, string b, int most)
    {
        // Three rows of the table of prefixes: the one before the last is for swaps.
        int[] before = new int[b.Length + 1];
        int[] last = new int[b.Length + 1];
        int[] row = new int[b.Length + 1];
        int least = 0;
        for (int i = 0; i <= a.Length; i++)
        {
            int leastBefore = least;
            least = int.MaxValue;
            (before, last, row) = (last, row, before);
            for (int j = 0; j <= b.Length; j++)
            {
                row[j] = i == 0 || j == 0 ? i + j
                    : Math.Min(
                        Math.Min(last[j], row[j - 1]) + 1,
                        last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                bool swapped = i > 1 && j > 1
                    && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                row[j] = swapped ? Math.Min(row[j], before[j - 2] + 1) : row[j];
                least = Math.Min(least, row[j]);
            }

            // No later row can be below both of two rows in succession.
            if (Math.Min(least, leastBefore) > most)
            {
                return int.MaxValue;
            }
        }

        return row[b.Length];
    }
}
