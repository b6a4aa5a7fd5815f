using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Interpose.Abi;
using Interpose.Fuse;

namespace FuseHost;

/// <summary>A pattern: components where <c>*</c> is any text, and what holds at and below it.</summary>
internal sealed record Pattern(string[] Parts, ViewAccess Access, Errno Denial)
{
    /// <summary>Reads <c>a/*.o=deny:EPERM</c>.</summary>
    public static Pattern Parse(string text)
    {
        string[] sides = text.Split('=');
        string[] access = sides[1].Split(':');
        Errno denial = access.Length > 1 && ErrnoText.TryParse(access[1], out Errno named)
            ? named : Errno.None;
        return new(
            sides[0].Split('/', StringSplitOptions.RemoveEmptyEntries), AccessOf(access[0]), denial);
    }

    public static ViewAccess AccessOf(string word) => word switch
    {
        "ro" => ViewAccess.ReadOnly,
        "rw" => ViewAccess.ReadWrite,
        "hide" => ViewAccess.Hide,
        "deny" => ViewAccess.Deny,
        "cow" => ViewAccess.CopyOnWrite,
        _ => throw new ArgumentException($"no access: {word}"),
    };

    public bool Matches(int depth, ReadOnlySpan<byte> name) =>
        depth < Parts.Length && IsMatch(Parts[depth], Encoding.UTF8.GetString(name));

    private static bool IsMatch(string part, string name)
    {
        int star = part.IndexOf('*', StringComparison.Ordinal);
        return star < 0 ? part == name
            : name.Length >= part.Length - 1
                && name.StartsWith(part[..star], StringComparison.Ordinal)
                && name.EndsWith(part[(star + 1)..], StringComparison.Ordinal);
    }
}

/// <summary>
/// A state of patterns that still can match, and the last that did: shared, so that directories
/// that are judged alike have one object. A name that was asked for once is remembered.
/// </summary>
internal sealed class PatternRule : ViewRule
{
    private static readonly Dictionary<string, PatternRule> Shared = [];
    private readonly (Pattern Pattern, int Depth)[] _open;
    private readonly ConcurrentDictionary<string, ViewRule> _children = [];
    private readonly ConcurrentDictionary<string, ViewRule>.AlternateLookup<ReadOnlySpan<char>>
        _byName;

    private PatternRule((Pattern Pattern, int Depth)[] open)
    {
        _open = open;
        _byName = _children.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public static PatternRule Of(ViewAccess access, Errno denial, IEnumerable<Pattern> patterns) =>
        Share(access, denial, [.. patterns.Select(p => (p, 0))]);

    public override ViewRule Child(ReadOnlySpan<byte> name)
    {
        if (_open.Length == 0)
        {
            return this;
        }

        Span<char> text = stackalloc char[name.Length];
        Encoding.Latin1.GetChars(name, text);
        return _byName.TryGetValue(text, out ViewRule? known) ? known
            : _children[text.ToString()] = Next(name);
    }

    private PatternRule Next(ReadOnlySpan<byte> name)
    {
        (ViewAccess access, Errno denial) = (Access, Denial);
        var open = new List<(Pattern, int)>();
        foreach ((Pattern pattern, int depth) in _open)
        {
            if (pattern.Matches(depth, name))
            {
                if (depth + 1 == pattern.Parts.Length)
                {
                    (access, denial) = (pattern.Access, pattern.Denial);
                }
                else
                {
                    open.Add((pattern, depth + 1));
                }
            }
        }

        return Share(access, denial, [.. open]);
    }

    private static PatternRule Share(
        ViewAccess access, Errno denial, (Pattern Pattern, int Depth)[] open)
    {
        string key = $"{access} {denial} "
            + string.Join(' ', open.Select(o => $"{string.Join('/', o.Pattern.Parts)}={o.Pattern.Access}:{o.Pattern.Denial}@{o.Depth}"));
        lock (Shared)
        {
            return Shared.TryGetValue(key, out PatternRule? rule) ? rule
                : Shared[key] = new(open) { Access = access, Denial = denial };
        }
    }
}
