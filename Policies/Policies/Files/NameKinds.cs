using System;
using System.Collections.Generic;
using System.Text.Json;

namespace Policies.Files;

/// <summary>Reads one name out of those that a key has a use for.</summary>
/// <typeparam name="T">What a name names.</typeparam>
/// <param name="describe">What is taken, with an example.</param>
/// <param name="noun">What one of them is called.</param>
/// <param name="names">All that are taken.</param>
/// <param name="find">Finds what a name names.</param>
internal sealed class NameWord<T>(
    string describe, string noun, Func<IEnumerable<string>> names, NameWord<T>.Finder find)
{
    /// <summary>
    /// Finds what a name names; where the name is right but of no use here, says why.
    /// </summary>
    public delegate bool Finder(string name, out T found, out string? why);

    public string Describe => describe;

    public IEnumerable<string> Names => names();

    /// <summary>The name and its place; null when it is none, which is told then.</summary>
    public Sourced<T>? Read(string key, PolicyNode node, ICollection<PolicyProblem> problems)
    {
        if (node is not ScalarNode scalar || scalar.Type == ScalarType.Null)
        {
            problems.Add(new(node.Origin, $"{key} takes {Describe}, not {node.Describe}"));
            return null;
        }

        if (find(scalar.Text, out T found, out string? why))
        {
            return new(found, node.Origin);
        }

        problems.Add(new(node.Origin, why is not null ? $"{key}: {scalar.Text} {why}"
            : $"{key}: there is no {noun} {scalar.Describe}"
                + Nearest.Suggest(scalar.Text, Names)));
        return null;
    }
}

/// <summary>A list of names, each with its place; its value is a list of what they name.</summary>
/// <typeparam name="T">What a name names.</typeparam>
internal sealed class NameListKind<T>(NameWord<T> word) : ValueKind
{
    public override string Takes => $"a list of {word.Describe}";

    public override bool IsList => true;

    public override void WriteSchema(Utf8JsonWriter json)
    {
        json.WriteString("type"u8, "array");
        json.WriteStartObject("items"u8);
        WriteEnum(json, word.Names);
        json.WriteEndObject();
    }

    public override object? Read(string key, PolicyNode node, ICollection<PolicyProblem> problems)
    {
        if (node is not SequenceNode list)
        {
            string? hint = node is ScalarNode { Type: not ScalarType.Null } scalar
                ? $"; write [{scalar.Describe}]" : null;
            return Refuse(key, node, problems, hint);
        }

        var found = new List<Sourced<T>>(list.Items.Count);
        foreach (PolicyNode item in list.Items)
        {
            if (word.Read(key, item, problems) is { } name)
            {
                found.Add(name);
            }
        }

        return found;
    }
}
