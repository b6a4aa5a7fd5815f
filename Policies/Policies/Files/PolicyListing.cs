using System.Collections.Generic;
using System.Text;
using Interpose.Abi;

namespace Policies.Files;

/// <summary>
/// A resolved policy as YAML: complete, loadable by itself, and each value with where it was
/// set.
/// </summary>
public static partial class PolicyListing
{
    private const int CommentColumn = 44;

    /// <summary>Writes the policy.</summary>
    public static string Write(Policy policy)
    {
        var text = new StringBuilder();
        text.Append("# ").Append(ScalarNode.Escape(policy.Name)).Append(", resolved\n");
        text.Append("version: 1\n");
        Value(text, policy, "description", string.Empty);
        WriteCreation(text, policy);
        bool any = false;
        foreach (string name in PolicyModel.Below("resources"))
        {
            if (policy.Values.ContainsKey("resources." + name))
            {
                text.Append(any ? string.Empty : "resources:\n");
                any = true;
                Value(text, policy, "resources." + name, "  ");
            }
        }

        WriteIsolation(text, policy);
        WriteFilesystem(text, policy);
        List(text, "degrade", Names(policy.Degrade, Protections.Name), string.Empty);
        return text.ToString();
    }

    private static void WriteCreation(StringBuilder text, Policy policy)
    {
        CreationPolicy creation = policy.Creation;
        text.Append("creation:\n");
        Value(text, policy, "creation.engine", "  ");
        Value(text, policy, "creation.because", "  ");
        List(text, "allow", Named(creation, FlagAction.Allow));
        List(text, "strip", Named(creation, FlagAction.Strip));
        WriteDenials(text, creation);
        Line(text, $"  otherwise: {creation.Otherwise.Value}", creation.Otherwise.Origin);
        text.Append("  entry:\n");
        foreach (EntryPoint entry in EntryPointNames.Calls)
        {
            Sourced<Errno> gate = creation.Entry(entry);
            string answer = gate.Value == Errno.None ? "allow" : gate.Value.ToString();
            Line(text, $"    {entry.Name()}: {answer}", gate.Origin);
        }

        if (!creation.Limits.IsEmpty)
        {
            text.Append("  limits:\n");
            for (int i = 0; i < CreationLimits.Count; i++)
            {
                if (creation.Limits.Of((LimitKind)i) is { } limit)
                {
                    string key = CreationLimits.Key((LimitKind)i);
                    string name = key[(key.LastIndexOf('.') + 1)..];
                    Line(text, $"    {name}: {limit.Value}", limit.Origin);
                }
            }
        }

        WriteNamespaces(text, policy);
        List(text, "require", Required(creation));
        string kill = creation.OnViolation.Value == OnViolation.Kill ? "kill" : "errno";
        Line(text, $"  on_violation: {kill}", creation.OnViolation.Origin);
    }

    /// <summary>Budgets and set-up of namespaces, by type.</summary>
    private static void WriteNamespaces(StringBuilder text, Policy policy)
    {
        var body = new StringBuilder();
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            Section(body, policy, $"creation.namespaces.{type.Name()}", "    ");
        }

        text.Append(body.Length == 0 ? string.Empty : "  namespaces:\n").Append(body);
    }

    private static void WriteDenials(StringBuilder text, CreationPolicy creation)
    {
        bool any = false;
        foreach (Sourced<string> name in Named(creation, FlagAction.Deny))
        {
            text.Append(any ? string.Empty : "  deny:\n");
            any = true;
            FlagRule rule = RuleOf(creation, name.Value);
            Line(text, $"    {Quote(name.Value)}: {rule.Errno}", name.Origin);
        }
    }

    /// <summary>Shapes and flags with an action, a name each.</summary>
    private static List<Sourced<string>> Named(CreationPolicy creation, FlagAction action)
    {
        var names = new List<Sourced<string>>();
        foreach (FlagName group in FlagName.Groups)
        {
            // A shape has one group of its own; the others are written flag by flag.
            if (group.Shapes.Length == 1 && RuleOf(creation, group.Name) is var rule
                && rule.Action == action)
            {
                names.Add(new(group.Name, rule.Origin!));
            }
        }

        foreach (string name in CloneFlags.Names)
        {
            FlagRule rule = RuleOf(creation, name);
            if (rule.Action == action)
            {
                names.Add(new(name, rule.Origin!));
            }
        }

        return names;
    }

    private static FlagRule RuleOf(CreationPolicy creation, string name)
    {
        FlagName found = FlagName.Find(name)!;
        return found.Shapes.IsEmpty
            ? creation.Flag(found.Flags) : creation.NamedShape(found.Shapes[0]);
    }

    private static List<Sourced<string>> Required(CreationPolicy creation)
    {
        var names = new List<Sourced<string>>();
        foreach (string name in CloneFlags.Names)
        {
            if (CloneFlags.TryParse(name, out ulong bit) && creation.RequiredAt(bit) is { } origin)
            {
                names.Add(new(name, origin));
            }
        }

        return names;
    }

    private static void List(
        StringBuilder text, string key, List<Sourced<string>> names, string indent = "  ")
    {
        if (names.Count == 0)
        {
            return;
        }

        text.Append(indent).Append(key).Append(":\n");
        foreach (Sourced<string> name in names)
        {
            Line(text, $"{indent}  - {Quote(name.Value)}", name.Origin);
        }
    }

    private static void Value(StringBuilder text, Policy policy, string key, string indent)
    {
        if (policy.Values.TryGetValue(key, out Sourced<string> value))
        {
            string name = key[(key.LastIndexOf('.') + 1)..];
            bool isText = PolicyModel.Find(key) is { Kind: TextKind or HostnameKind };
            string written = isText ? QuoteText(value.Value) : value.Value;
            Line(text, $"{indent}{name}: {written}", value.Origin);
        }
    }

    /// <summary>A group begins with a character that YAML keeps for itself.</summary>
    private static string Quote(string name) => name[0] == '@' ? $"'{name}'" : name;

    private static string QuoteText(string text) =>
        "\"" + ScalarNode.Escape(text.Replace("\\", "\\\\", System.StringComparison.Ordinal)
            .Replace("\"", "\\\"", System.StringComparison.Ordinal)) + "\"";

    private static void Line(StringBuilder text, string line, Origin origin)
    {
        text.Append(line.PadRight(CommentColumn)).Append(" # ").Append(Chain(origin)).Append('\n');
    }

    /// <summary>Where a value stands, and through which extends it came.</summary>
    private static string Chain(Origin origin)
    {
        var chain = new StringBuilder(ScalarNode.Escape(origin.ToString()));
        for (Origin? by = origin.Source.ExtendedBy; by is not null; by = by.Source.ExtendedBy)
        {
            chain.Append(", extended by ").Append(ScalarNode.Escape(by.ToString()));
        }

        return chain.ToString();
    }
}
