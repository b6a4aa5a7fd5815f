using System.Collections.Generic;

namespace Policies.Files;

/// <summary>One value of a policy text, as it was written.</summary>
/// <param name="Origin">Where it begins.</param>
internal abstract record PolicyNode(Origin Origin)
{
    /// <summary>What it is, in the words of an error message.</summary>
    public abstract string Describe { get; }
}

/// <summary>How YAML's core schema reads a scalar without quotes.</summary>
internal enum ScalarType
{
    Null,
    Boolean,
    Integer,
    Float,
    Text,
}

/// <summary>A single value.</summary>
/// <param name="Origin">Where it begins.</param>
/// <param name="Text">Its text without quotes.</param>
/// <param name="Plain">Whether it stood there without quotes.</param>
internal sealed record ScalarNode(Origin Origin, string Text, bool Plain)
    : PolicyNode(Origin)
{
    private const int ShownMost = 40;

    public override string Describe => Type == ScalarType.Null ? "nothing"
        : $"'{Shown(Text)}'";

    /// <summary>Its type by the core schema: YAML 1.2.2, chapter 10.3.</summary>
    public ScalarType Type => !Plain ? ScalarType.Text : Text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => ScalarType.Null,
        "true" or "True" or "TRUE" or "false" or "False" or "FALSE" => ScalarType.Boolean,
        ".inf" or ".Inf" or ".INF" or "+.inf" or "+.Inf" or "+.INF" or "-.inf" or "-.Inf"
            or "-.INF" or ".nan" or ".NaN" or ".NAN" => ScalarType.Float,
        _ when IsInteger(Text) => ScalarType.Integer,
        _ when IsFloat(Text) => ScalarType.Float,
        _ => ScalarType.Text,
    };

    /// <summary>The beginning of a text, escaped.</summary>
    public static string Shown(string text) => text.Length <= ShownMost
        ? Escape(text) : Escape(text[..ShownMost]) + "...";

    /// <summary>A text in one line that no terminal takes for a command.</summary>
    public static string Escape(string text) => OneLine.Of(text);

    private static bool IsInteger(string text)
    {
        int start = text[0] is '-' or '+' ? 1 : 0;
        return (Digits(text, ref start) > 0 && start == text.Length)
            || (text.Length > 2 && text[0] == '0' && text[1] is 'x' or 'o');
    }

    private static bool IsFloat(string text)
    {
        int at = text[0] is '-' or '+' ? 1 : 0;
        int whole = Digits(text, ref at);
        int part = 0;
        if (at < text.Length && text[at] == '.')
        {
            at++;
            part = Digits(text, ref at);
        }

        if (whole + part == 0)
        {
            return false;
        }

        if (at < text.Length && text[at] is 'e' or 'E')
        {
            at++;
            at += at < text.Length && text[at] is '-' or '+' ? 1 : 0;
            if (Digits(text, ref at) == 0)
            {
                return false;
            }
        }

        return at == text.Length;
    }

    private static int Digits(string text, ref int at)
    {
        int from = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            at++;
        }

        return at - from;
    }
}

/// <summary>A list.</summary>
/// <param name="Origin">Where it begins.</param>
/// <param name="Items">Its items.</param>
internal sealed record SequenceNode(Origin Origin, IReadOnlyList<PolicyNode> Items)
    : PolicyNode(Origin)
{
    public override string Describe => "a list";
}

/// <summary>A mapping; its keys differ from one another.</summary>
/// <param name="Origin">Where it begins.</param>
/// <param name="Entries">Its entries in order.</param>
internal sealed record MappingNode(
    Origin Origin, IReadOnlyList<(ScalarNode Key, PolicyNode Value)> Entries)
    : PolicyNode(Origin)
{
    public override string Describe => "a section";
}
