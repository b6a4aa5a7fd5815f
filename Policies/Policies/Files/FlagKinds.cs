using System.Collections.Generic;
using System.Collections.Immutable;
using System.Text.Json;
using Interpose.Abi;

namespace Policies.Files;

/// <summary>A flag or a group of them, by name.</summary>
/// <param name="Name">As written.</param>
/// <param name="Flags">The flags that it stands for.</param>
/// <param name="Shapes">The shapes that it stands for.</param>
internal sealed record FlagName(string Name, ulong Flags, ImmutableArray<Shape> Shapes)
{
    /// <summary>Whether it stands for more than one.</summary>
    public bool IsGroup => Name.StartsWith('@');

    /// <summary>Every group, in the order that listings show.</summary>
    public static ImmutableArray<FlagName> Groups { get; } =
    [
        new("@fork", 0, [Shape.Fork]),
        new("@vfork", 0, [Shape.Vfork]),
        new("@thread", 0, [Shape.Thread]),
        new("@share", CloneFlags.Sharing, []),
        new("@namespaces", CloneFlags.Namespaces, []),
        new("@all", CloneFlags.Known, global::Policies.Shapes.All),
    ];

    /// <summary>
    /// The names that stand for flags out of a set only, and for shapes if asked.
    /// </summary>
    public static IEnumerable<string> Within(ulong flags, bool shapes)
    {
        foreach (FlagName group in Groups)
        {
            if ((group.Flags & ~flags) == 0 && (shapes || group.Shapes.IsEmpty))
            {
                yield return group.Name;
            }
        }

        foreach (string name in CloneFlags.Names)
        {
            if (CloneFlags.TryParse(name, out ulong bit) && (bit & ~flags) == 0)
            {
                yield return name;
            }
        }
    }

    /// <summary>Finds a flag or group by name; null when there is none.</summary>
    public static FlagName? Find(string name)
    {
        foreach (FlagName group in Groups)
        {
            if (group.Name == name)
            {
                return group;
            }
        }

        return CloneFlags.TryParse(name, out ulong bit) ? new(name, bit, []) : null;
    }
}

/// <summary>Names of flags and groups out of those that a key has a use for.</summary>
internal static class FlagWords
{
    /// <summary>A reader of them.</summary>
    /// <param name="flags">Flags that make sense there.</param>
    /// <param name="shapes">Whether shapes do.</param>
    /// <param name="describe">What is taken, with an example.</param>
    /// <param name="useless">Why other flags do not; to follow the flag's name.</param>
    public static NameWord<FlagName> Of(
        ulong flags, bool shapes, string describe, string useless)
    {
        return new(describe, "flag", () => FlagName.Within(flags, shapes), Find);

        bool Find(string name, out FlagName found, out string? why)
        {
            found = FlagName.Find(name)!;
            bool fits = found is not null && (found.Flags & ~flags) == 0
                && (shapes || found.Shapes.IsEmpty);
            why = found is null || fits ? null : useless;
            return fits;
        }
    }
}

/// <summary>A mapping from flags and groups to the errno that a call with them gets.</summary>
internal sealed class FlagErrnoKind(NameWord<FlagName> word) : ValueKind
{
    private readonly ErrnoKind _errno = new(orAllow: false);

    public override string Takes => $"a section of {word.Describe}, each with an errno";

    public override (string Noun, string Example)? Entries => ("flags", "CLONE_NEWUSER=EPERM");

    public override void WriteSchema(Utf8JsonWriter json)
    {
        json.WriteString("type"u8, "object");
        json.WriteStartObject("propertyNames"u8);
        WriteEnum(json, word.Names);
        json.WriteEndObject();
        json.WriteStartObject("additionalProperties"u8);
        _errno.WriteSchema(json);
        json.WriteEndObject();
    }

    public override object? Read(string key, PolicyNode node, ICollection<PolicyProblem> problems)
    {
        if (node is not MappingNode map)
        {
            return Refuse(key, node, problems, "; write {CLONE_NEWUSER: EPERM}");
        }

        var denials = new List<(Sourced<FlagName> Name, Errno Errno)>(map.Entries.Count);
        foreach ((ScalarNode left, PolicyNode right) in map.Entries)
        {
            Sourced<FlagName>? name = word.Read(key, left, problems);
            object? errno = _errno.Read(
                $"{key}.{ScalarNode.Shown(left.Text)}", right, problems);
            if (name is { } known && errno is Errno denied)
            {
                denials.Add((known, denied));
            }
        }

        return denials;
    }
}
