using System;
using System.Collections.Generic;
using System.Text;

namespace Policies;

/// <summary>
/// Patterns of paths as <c>filesystem.paths</c> writes them. A pattern is absolute, or begins
/// with <c>.</c> or <c>~</c> as its first component. Within a component <c>*</c> stands for any
/// characters, <c>?</c> for one, <c>[a-z]</c> for one of a class and <c>[!a-z]</c> for one of no
/// class; a backslash is a character like others, <c>[*]</c> stands for a star. No component is
/// <c>..</c>, none holds <c>**</c>: a directory stands for all below it anyway.
/// </summary>
public static class FilePattern
{
    /// <summary>The most characters: PATH_MAX.</summary>
    public const int Longest = 4096;

    /// <summary>
    /// The same as a regular expression of ECMA 262, for the schema; but for the length.
    /// </summary>
    internal const string Expression =
        @"^([.~](/|(?![\s\S]))|/)(?!([\s\S]*/)?\.\.(/|(?![\s\S])))(?![\s\S]*\*\*)"
        + @"([^\u0000-\u001f\[]|\[(?!!?\])[^\u0000-\u001f\]/]+\])*(?![\s\S])";

    /// <summary>Puts a pattern into its normal form: one slash between components.</summary>
    /// <param name="text">As written.</param>
    /// <param name="problem">What is wrong, to follow the pattern in a sentence.</param>
    /// <returns>Null when it is no pattern.</returns>
    public static string? Normalise(string text, out string? problem)
    {
        problem = WhatIsWrong(text);
        if (problem is not null)
        {
            return null;
        }

        var normal = new StringBuilder(text.Length);
        normal.Append(text[0] == '/' ? string.Empty : text[..1]);
        foreach (string part in Components(text))
        {
            normal.Append('/').Append(part);
        }

        return normal.Length == 0 ? "/" : normal.ToString();
    }

    /// <summary>The pattern that stands for one path and no other: its globs are quoted.</summary>
    public static string Quote(string path)
    {
        var quoted = new StringBuilder(path.Length);
        foreach (char c in path)
        {
            quoted.Append(c is '*' or '?' or '[' ? $"[{c}]" : c.ToString());
        }

        return quoted.ToString();
    }

    /// <summary>Whether a component of a pattern stands for more than one name.</summary>
    public static bool HasGlob(string component) => component.AsSpan().IndexOfAny("*?[") >= 0;

    /// <summary>The components below the root, the caller's directory or its home.</summary>
    private static IEnumerable<string> Components(string text)
    {
        foreach (string part in text[1..].Split('/'))
        {
            if (part is not ("" or "."))
            {
                yield return part;
            }
        }
    }

    private static string? WhatIsWrong(string text)
    {
        if (text.Length == 0 || !(text[0] == '/'
            || (text[0] is '.' or '~' && (text.Length == 1 || text[1] == '/'))))
        {
            return "does not begin with /, ./ or ~/";
        }

        int length = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            length++;
            if (rune.Value < ' ')
            {
                return "holds a control character";
            }
        }

        if (length > Longest)
        {
            return $"has more than {Longest} characters";
        }

        foreach (string part in text.Split('/'))
        {
            if (part == "..")
            {
                return "holds '..', which no pattern may";
            }

            if (part.Contains("**", StringComparison.Ordinal))
            {
                return "holds '**'; a directory stands for all below it, so leave that out";
            }

            if (!ClassesEnd(part))
            {
                return "holds a '[' without a class of characters and ']'; [[] is the character";
            }
        }

        return null;
    }

    private static bool ClassesEnd(string part)
    {
        for (int at = part.IndexOf('['); at >= 0; at = part.IndexOf('[', at))
        {
            int end = part.IndexOf(']', at);
            if (end < 0 || part[(at + 1)..end] is "" or "!")
            {
                return false;
            }

            at = end + 1;
        }

        return true;
    }
}
