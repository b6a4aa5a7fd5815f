using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using Interpose.Abi;

namespace Policies.Files;

/// <summary>A whole number within bounds; its value is an <see cref="int"/>.</summary>
internal sealed class IntegerKind(int least, int most) : ScalarKind
{
    public override string Takes => least == most ? $"{least}" : $"a number from {least} to {most}";

    public override void WriteSchema(Utf8JsonWriter json)
    {
        json.WriteString("type"u8, "integer");
        json.WriteNumber("minimum"u8, least);
        json.WriteNumber("maximum"u8, most);
    }

    protected override object? Parse(ScalarNode scalar) => scalar.Type == ScalarType.Integer
        && int.TryParse(
            scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int n)
        && n >= least && n <= most ? n : null;

    protected override string? Hint(ScalarNode scalar) => scalar.Plain
        || !int.TryParse(scalar.Text, NumberStyles.None, CultureInfo.InvariantCulture, out _)
        ? null : "; write it without quotes";
}

/// <summary>A number within bounds; its value is a <see cref="double"/>.</summary>
internal sealed class NumberKind(double least, double most) : ScalarKind
{
    public override string Takes => string.Create(
        CultureInfo.InvariantCulture, $"a number from {least} to {most}");

    public override void WriteSchema(Utf8JsonWriter json)
    {
        json.WriteString("type"u8, "number");
        json.WriteNumber("minimum"u8, least);
        json.WriteNumber("maximum"u8, most);
    }

    protected override object? Parse(ScalarNode scalar) =>
        scalar.Type is ScalarType.Integer or ScalarType.Float
        && double.TryParse(
            scalar.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double n)
        && n >= least && n <= most ? n : null;
}

/// <summary>One of some words, each with its value.</summary>
internal sealed class WordKind(params (string Word, object Value)[] words) : ScalarKind
{
    public override string Takes
    {
        get
        {
            string[] all = Array.ConvertAll(words, w => w.Word);
            return all.Length == 1 ? all[0]
                : string.Join(", ", all[..^1]) + " or " + all[^1];
        }
    }

    public override void WriteSchema(Utf8JsonWriter json) =>
        WriteEnum(json, Array.ConvertAll(words, w => w.Word));

    protected override object? Parse(ScalarNode scalar)
    {
        foreach ((string word, object value) in words)
        {
            if (word == scalar.Text)
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>A word of the contract that this version does not enforce.</summary>
    public string? NotYet { get; init; }

    protected override string? Hint(ScalarNode scalar) => scalar.Text == NotYet
        ? "; this version does not enforce it"
        : Nearest.Suggest(scalar.Text, Array.ConvertAll(words, w => w.Word));
}

/// <summary>An errno by name, and where a call can be open also the word <c>allow</c>.</summary>
internal sealed class ErrnoKind(bool orAllow) : ScalarKind
{
    private const string AllowWord = "allow";

    public override string Takes => orAllow
        ? "allow or the name of an errno such as EPERM" : "the name of an errno such as EPERM";

    public override void WriteSchema(Utf8JsonWriter json) => WriteEnum(json, Words());

    protected override object? Parse(ScalarNode scalar) =>
        orAllow && scalar.Text == AllowWord ? Errno.None
        : TryErrno(scalar.Text, out Errno errno) ? errno : null;

    protected override string? Hint(ScalarNode scalar) => Nearest.Suggest(scalar.Text, Words());

    private static bool TryErrno(string text, out Errno errno) =>
        ErrnoText.TryParse(text, out errno) && errno.Name() == text && IsForGuests(errno);

    /// <summary>An errno that a call can return: the kernel's own restart codes are none.</summary>
    private static bool IsForGuests(Errno errno) => errno is > Errno.None and < (Errno)512;

    private IEnumerable<string> Words()
    {
        if (orAllow)
        {
            yield return AllowWord;
        }

        foreach (Errno errno in Enum.GetValues<Errno>())
        {
            if (IsForGuests(errno))
            {
                yield return errno.ToString();
            }
        }
    }
}

/// <summary>A text of some length.</summary>
internal sealed class TextKind(int most) : ScalarKind
{
    public override string Takes => $"a text of 1 to {most} characters";

    public override void WriteSchema(Utf8JsonWriter json)
    {
        json.WriteString("type"u8, "string");
        json.WriteNumber("minLength"u8, 1);
        json.WriteNumber("maxLength"u8, most);
    }

    // JSON Schema counts a string's length in code points.
    protected override object? Parse(ScalarNode scalar)
    {
        int length = 0;
        foreach (System.Text.Rune _ in scalar.Text.EnumerateRunes())
        {
            length++;
        }

        return scalar.Type == ScalarType.Text && length > 0 && length <= most ? scalar.Text : null;
    }
}

/// <summary>
/// A text of a fixed form; its value is an <see cref="ulong"/>, or what the form gives.
/// </summary>
internal sealed class FormKind(
    string takes, string pattern, FormKind.Reader read, long? mostInteger) : ScalarKind
{
    public delegate object? Reader(string text);

    public override string Takes => takes;

    public override void WriteSchema(Utf8JsonWriter json)
    {
        if (mostInteger is not { } most)
        {
            WriteText(json);
            return;
        }

        json.WriteStartArray("anyOf"u8);
        json.WriteStartObject();
        json.WriteString("type"u8, "integer");
        json.WriteNumber("minimum"u8, 0);
        json.WriteNumber("maximum"u8, most);
        json.WriteEndObject();
        json.WriteStartObject();
        WriteText(json);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    protected override object? Parse(ScalarNode scalar) => scalar.Type switch
    {
        ScalarType.Text => read(scalar.Text),
        ScalarType.Integer when mostInteger is { } most && long.TryParse(
            scalar.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long n)
            && n <= most => (ulong)n,
        _ => null,
    };

    private void WriteText(Utf8JsonWriter json)
    {
        json.WriteString("type"u8, "string");
        json.WriteString("pattern"u8, pattern);
    }
}
