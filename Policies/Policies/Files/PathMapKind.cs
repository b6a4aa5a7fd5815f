using System;
using System.Collections.Generic;
using System.Text.Json;

namespace Policies.Files;

/// <summary>
/// A mapping from patterns of paths to what guests can do there; its value is a list of
/// <see cref="PathRule"/>.
/// </summary>
internal sealed class PathMapKind : ValueKind
{
    private const string Access = "access";
    private const string Size = "size";
    private const string Example = "/tmp: tmpfs";

    /// <summary>What paths take; the first five also hold where no path does.</summary>
    public static (string Word, FileAccess Access)[] Words { get; } =
    [
        ("ro", FileAccess.Ro), ("rw", FileAccess.Rw), ("hide", FileAccess.Hide),
        ("deny", FileAccess.Deny), ("cow", FileAccess.Cow), ("tmpfs", FileAccess.Tmpfs),
        ("proc", FileAccess.Proc), ("dev", FileAccess.Dev),
    ];

    private static readonly WordKind Word = WordOf(Words);

    public override string Takes => "a section of paths such as /tmp, ./build or '~/.cache', each "
        + "with " + Word.Takes + ", or with {access: tmpfs, size: 64M}";

    public override (string Noun, string Example)? Entries => ("paths", "/tmp=tmpfs");

    /// <summary>One of some of them.</summary>
    public static WordKind WordOf((string Word, FileAccess Access)[] words) =>
        new(Array.ConvertAll(words, w => (w.Word, (object)w.Access)));

    /// <summary>The word of an access.</summary>
    public static string NameOf(FileAccess access) =>
        Array.Find(Words, w => w.Access == access).Word;

    public override void WriteSchema(Utf8JsonWriter json)
    {
        json.WriteString("type"u8, "object");
        json.WriteStartObject("propertyNames"u8);
        json.WriteString("pattern"u8, FilePattern.Expression);
        json.WriteNumber("maxLength"u8, FilePattern.Longest);
        json.WriteEndObject();
        json.WriteStartObject("additionalProperties"u8);
        json.WriteStartArray("anyOf"u8);
        json.WriteStartObject();
        Word.WriteSchema(json);
        json.WriteEndObject();
        WriteLong(json, Word, size: false);
        WriteLong(json, new WordKind(("tmpfs", FileAccess.Tmpfs)), size: true);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    public override object? Read(string key, PolicyNode node, ICollection<PolicyProblem> problems)
    {
        if (node is not MappingNode map)
        {
            return Refuse(key, node, problems, $"; write {{{Example}}}");
        }

        var rules = new List<PathRule>(map.Entries.Count);
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach ((ScalarNode left, PolicyNode right) in map.Entries)
        {
            string? pattern = ReadPattern(key, left, problems);
            PathRule? rule = ReadRule($"{key}.{ScalarNode.Shown(left.Text)}", right, problems);
            if (pattern is not null && !known.Add(pattern))
            {
                problems.Add(new(left.Origin, $"{key}: {pattern} is there twice"));
            }
            else if (pattern is not null && rule is not null)
            {
                rules.Add(rule with { Pattern = pattern, Origin = left.Origin });
            }
        }

        return rules;
    }

    private static string? ReadPattern(
        string key, ScalarNode node, ICollection<PolicyProblem> problems)
    {
        if (node.Type == ScalarType.Null && node.Text == "~")
        {
            problems.Add(new(
                node.Origin, $"{key}: a bare ~ is YAML's null; write '~' in quotes for the home"));
            return null;
        }

        if (FilePattern.Normalise(node.Text, out string? problem) is { } pattern)
        {
            return pattern;
        }

        problems.Add(new(
            node.Origin, $"{key}: the path '{ScalarNode.Shown(node.Text)}' {problem}"));
        return null;
    }

    private static PathRule? ReadRule(
        string key, PolicyNode node, ICollection<PolicyProblem> problems)
    {
        if (node is not MappingNode map)
        {
            return Word.Read(key, node, problems) is FileAccess word
                ? new(string.Empty, word, null, node.Origin) : null;
        }

        object? access = null;
        object? size = null;
        bool wrong = false;
        foreach ((ScalarNode name, PolicyNode value) in map.Entries)
        {
            string full = $"{key}.{ScalarNode.Shown(name.Text)}";
            switch (name.Text)
            {
                case Access:
                    access = Word.Read(full, value, problems);
                    wrong |= access is null;
                    break;
                case Size:
                    size = IsolationForms.Size.Read(full, value, problems);
                    wrong |= size is null;
                    break;
                default:
                    problems.Add(new(name.Origin, $"there is no key '{full}'"
                        + Nearest.Suggest(name.Text, [Access, Size])));
                    wrong = true;
                    break;
            }
        }

        string? missing = wrong ? null
            : access is null ? "lacks 'access'"
            : size is not null && access is not FileAccess.Tmpfs
                ? "has a size, which only tmpfs takes" : null;
        if (missing is not null)
        {
            problems.Add(new(node.Origin, $"{key} {missing}"));
        }

        return wrong || missing is not null ? null
            : new(string.Empty, (FileAccess)access!, (ulong?)size, node.Origin);
    }

    private static void WriteLong(Utf8JsonWriter json, WordKind words, bool size)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "object");
        json.WriteBoolean("additionalProperties"u8, false);
        json.WriteStartArray("required"u8);
        json.WriteStringValue(Access);
        json.WriteEndArray();
        json.WriteStartObject("properties"u8);
        json.WriteStartObject(Access);
        words.WriteSchema(json);
        json.WriteEndObject();
        if (size)
        {
            json.WriteStartObject(Size);
            IsolationForms.Size.WriteSchema(json);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
