using System.Collections.Generic;
using System.Text.Json;

namespace Policies.Files;

/// <summary>
/// What a key of a policy takes: how it is read, described, and written in JSON Schema. The
/// three say the same, and a test holds them to it.
/// </summary>
internal abstract class ValueKind
{
    /// <summary>What is taken, to follow the word "takes" in a sentence.</summary>
    public abstract string Takes { get; }

    /// <summary>Whether <c>--set</c> splits its text at commas into a list.</summary>
    public virtual bool IsList => false;

    /// <summary>
    /// Where it is a section whose keys a policy chooses: what these are, and one of them as
    /// <c>--set</c> writes it.
    /// </summary>
    public virtual (string Noun, string Example)? Entries => null;

    /// <summary>Writes the members of the schema object of such a value.</summary>
    public abstract void WriteSchema(Utf8JsonWriter json);

    /// <summary>Reads a value.</summary>
    /// <param name="key">The key, for messages.</param>
    /// <param name="node">The value as written.</param>
    /// <param name="problems">Gets what is wrong.</param>
    /// <returns>The value; null when something is wrong.</returns>
    public abstract object? Read(
        string key, PolicyNode node, ICollection<PolicyProblem> problems);

    /// <summary>Writes the member <c>enum</c>.</summary>
    protected static void WriteEnum(Utf8JsonWriter json, IEnumerable<string> names)
    {
        json.WriteStartArray("enum"u8);
        foreach (string name in names)
        {
            json.WriteStringValue(name);
        }

        json.WriteEndArray();
    }

    /// <summary>Adds the usual complaint and gives null.</summary>
    protected object? Refuse(
        string key, PolicyNode node, ICollection<PolicyProblem> problems, string? hint = null)
    {
        problems.Add(new(node.Origin, $"{key} takes {Takes}, not {node.Describe}{hint}"));
        return null;
    }
}

/// <summary>A value that is one scalar.</summary>
internal abstract class ScalarKind : ValueKind
{
    public sealed override object? Read(
        string key, PolicyNode node, ICollection<PolicyProblem> problems)
    {
        if (node is ScalarNode scalar && Parse(scalar) is { } value)
        {
            return value;
        }

        string? hint = node is ScalarNode text ? Hint(text) : null;
        return Refuse(key, node, problems, hint);
    }

    /// <summary>The value; null when the scalar is none.</summary>
    protected abstract object? Parse(ScalarNode scalar);

    /// <summary>What was most likely meant.</summary>
    protected virtual string? Hint(ScalarNode scalar) => null;
}
