using System;
using System.Globalization;
using System.Text.Json;

namespace Policies.Files;

/// <summary>The name of a host: uts_namespaces(7).</summary>
internal sealed class HostnameKind : ScalarKind
{
    /// <summary>__NEW_UTS_LEN of the kernel.</summary>
    private const int Longest = 64;

    public override string Takes =>
        $"a name of 1 to {Longest} letters, digits, hyphens and dots, the ends being neither";

    public override void WriteSchema(Utf8JsonWriter json)
    {
        json.WriteString("type"u8, "string");
        json.WriteString("pattern"u8, "^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$");
    }

    protected override object? Parse(ScalarNode scalar)
    {
        string text = scalar.Text;
        if (scalar.Type != ScalarType.Text || text.Length is 0 or > Longest
            || !char.IsAsciiLetterOrDigit(text[0]) || !char.IsAsciiLetterOrDigit(text[^1]))
        {
            return null;
        }

        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.'))
            {
                return null;
            }
        }

        return text;
    }

    protected override string? Hint(ScalarNode scalar) =>
        scalar.Plain && scalar.Type is not (ScalarType.Text or ScalarType.Null)
            ? "; write it in quotes" : null;
}

/// <summary>Forms of texts that keys of isolation take.</summary>
internal static class IsolationForms
{
    /// <summary>A step of a clock, forward or back; its value is a time span.</summary>
    public static FormKind Offset { get; } = new(
        "a duration such as 90s, -10m or 1h", "^-?[0-9]{1,6}(ms|s|m|h)$",
        static text => ReadOffset(text), null);

    /// <summary>What memory may hold; its value is a number of bytes other than 0.</summary>
    public static FormKind Size { get; } = new(
        "a size such as 64M", "^[1-9][0-9]{0,5}[KMGT]$",
        static text => text.Length is > 1 and <= 7 && text[0] is >= '1' and <= '9'
            && !char.IsAsciiDigit(text[^1]) && Units.TrySize(text, out ulong bytes)
            ? bytes : null,
        null);

    private static TimeSpan? ReadOffset(string text)
    {
        ReadOnlySpan<char> rest = text.AsSpan(text.StartsWith('-') ? 1 : 0);
        int digits = 0;
        while (digits < rest.Length && char.IsAsciiDigit(rest[digits]))
        {
            digits++;
        }

        long unit = rest[digits..] switch
        {
            "ms" => TimeSpan.TicksPerMillisecond,
            "s" => TimeSpan.TicksPerSecond,
            "m" => TimeSpan.TicksPerMinute,
            "h" => TimeSpan.TicksPerHour,
            _ => 0,
        };
        if (digits is 0 or > 6 || unit == 0)
        {
            return null;
        }

        long number = long.Parse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture);
        return TimeSpan.FromTicks(number * unit * (text.StartsWith('-') ? -1 : 1));
    }
}
