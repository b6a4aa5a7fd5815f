using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Interpose.Abi;
using Policies;

namespace Sandbox.Isolation;

/// <summary>Finds the paths that a <see cref="FilePattern"/> stands for.</summary>
internal static class PathGlob
{
    /// <summary>Whether a pattern stands for more than one path.</summary>
    public static bool IsGlob(string pattern)
    {
        foreach (string part in pattern.Split('/'))
        {
            if (FilePattern.HasGlob(part) && LiteralOf(part) is null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The one path of a pattern without globs.</summary>
    public static string Literal(string pattern)
    {
        var text = new StringBuilder();
        foreach (string part in pattern.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            text.Append('/').Append(LiteralOf(part) ?? part);
        }

        return text.Length == 0 ? "/" : text.ToString();
    }

    /// <summary>The paths that are there.</summary>
    /// <param name="pattern">Absolute.</param>
    /// <param name="most">After one more than these the search ends.</param>
    /// <exception cref="SetupException">
    /// A name fits that is no UTF-8, and so cannot be named to the kernel from here.
    /// </exception>
    public static List<string> Expand(string pattern, int most)
    {
        List<string> found = [string.Empty];
        foreach (string part in pattern.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var next = new List<string>();
            foreach (string path in found)
            {
                if (LiteralOf(part) is { } name)
                {
                    next.Add($"{path}/{name}");
                }
                else if (next.Count <= most)
                {
                    next.AddRange(Below(path, part));
                }
            }

            found = next;
        }

        found.RemoveAll(path => path.Length > 0 && !Exists(path));
        return found is [""] ? ["/"] : found;
    }

    /// <summary>A name against a component of a pattern.</summary>
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        if (pattern.IsEmpty)
        {
            return name.IsEmpty;
        }

        if (pattern[0] == '*')
        {
            for (int skip = 0; skip <= name.Length; skip++)
            {
                if (Matches(pattern[1..], name[skip..]))
                {
                    return true;
                }
            }

            return false;
        }

        int end = pattern[0] == '[' ? pattern.IndexOf(']') : 0;
        return !name.IsEmpty && Fits(pattern[..(end + 1)], name[0])
            && Matches(pattern[(end + 1)..], name[1..]);
    }

    /// <summary>One character against a character, <c>?</c> or a class.</summary>
    private static bool Fits(ReadOnlySpan<char> one, char c)
    {
        if (one[0] != '[')
        {
            return one[0] == '?' || one[0] == c;
        }

        ReadOnlySpan<char> set = one[1..^1];
        bool negated = set[0] == '!';
        set = negated ? set[1..] : set;
        bool found = false;
        for (int i = 0; i < set.Length; i++)
        {
            bool range = i + 2 < set.Length && set[i + 1] == '-';
            found |= range ? set[i] <= c && c <= set[i + 2] : set[i] == c;
            i += range ? 2 : 0;
        }

        return found != negated;
    }

    /// <summary>The one name that a component stands for; null when there are more.</summary>
    private static string? LiteralOf(string part)
    {
        var name = new StringBuilder();
        for (int i = 0; i < part.Length; i++)
        {
            bool quoted = part[i] == '[' && i + 2 < part.Length && part[i + 2] == ']'
                && part[i + 1] != '!';
            if (!quoted && FilePattern.HasGlob(part[i..(i + 1)]))
            {
                return null;
            }

            name.Append(part[quoted ? i + 1 : i]);
            i += quoted ? 2 : 0;
        }

        return name.ToString();
    }

    private static List<string> Below(string directory, string pattern)
    {
        var found = new List<string>();
        try
        {
            foreach (string path in Directory.EnumerateFileSystemEntries(directory + "/"))
            {
                string name = Path.GetFileName(path);
                if (Matches(pattern, name))
                {
                    if (name.Contains('\uFFFD', StringComparison.Ordinal))
                    {
                        throw new SetupException(
                            $"filesystem.paths: a name that fits '{pattern}' is no UTF-8, in",
                            directory, Errno.EILSEQ, "name the directory above it");
                    }

                    found.Add($"{directory}/{name}");
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What the caller cannot list, no guest can.
        }

        found.Sort(StringComparer.Ordinal);
        return found;
    }

    private static bool Exists(string path) =>
        Path.Exists(path) || new FileInfo(path).LinkTarget is not null;
}
