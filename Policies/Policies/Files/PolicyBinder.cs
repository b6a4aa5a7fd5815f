using System;
using System.Collections.Generic;

namespace Policies.Files;

/// <summary>Lays one text over a draft, key by key, and finds all that is wrong with it.</summary>
/// <param name="draft">The draft.</param>
/// <param name="problems">Gets what is wrong.</param>
internal sealed class PolicyBinder(PolicyDraft draft, ICollection<PolicyProblem> problems)
{
    private const string Version = "version";
    private const string Extends = "extends";
    private const string DenyPrefix = "creation.deny.";
    private const string SetExample = "--set takes KEY=VALUE such as creation.limits.tasks=50";

    /// <summary>Lays a whole text over the draft.</summary>
    public void Bind(PolicyNode root)
    {
        if (root is not MappingNode map)
        {
            problems.Add(new(root.Origin, $"a policy is a section with keys, not {root.Describe}"));
            return;
        }

        bool hasVersion = false;
        foreach ((ScalarNode key, _) in map.Entries)
        {
            hasVersion |= key.Text == Version;
        }

        if (!hasVersion)
        {
            problems.Add(new(root.Origin, "the key 'version' is missing; write 'version: 1'"));
        }

        BindSection(map, string.Empty);
        draft.EndLayer();
    }

    /// <summary>What a text extends; null for nothing, or when the key is wrong.</summary>
    public static Sourced<string>? ExtendsOf(PolicyNode root)
    {
        foreach ((ScalarNode key, PolicyNode value) in
            root is MappingNode map ? map.Entries : [])
        {
            if (key.Text == Extends && value is ScalarNode
                {
                    Type: ScalarType.Text, Text.Length: > 0 and <= PolicyModel.LongestPath
                } name)
            {
                return new(name.Text, name.Origin);
            }
        }

        return null;
    }

    /// <summary>Lays one <c>KEY=VALUE</c> over the draft.</summary>
    /// <param name="setting">The text.</param>
    /// <param name="number">Which of them, from 1.</param>
    public void BindSetting(string setting, int number)
    {
        var source = new PolicySource("--set");
        var origin = new Origin(source, number, 1);
        int equals = setting.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            problems.Add(new(origin, $"{SetExample}, not '{ScalarNode.Escape(setting)}'"));
            return;
        }

        string name = setting[..equals];
        var value = new ScalarNode(new(source, number, equals + 2), setting[(equals + 1)..], true);
        if (name.StartsWith(DenyPrefix, StringComparison.Ordinal))
        {
            var flag = new ScalarNode(
                new(source, number, DenyPrefix.Length + 1), name[DenyPrefix.Length..], true);
            Set(DenyPrefix[..^1], new MappingNode(flag.Origin, [(flag, value)]), origin);
        }
        else
        {
            bool isList = PolicyModel.Find(name) is { Kind.IsList: true };
            Set(name, isList ? Split(value) : value, origin);
        }

        draft.EndLayer();
    }

    private void Set(string name, PolicyNode value, Origin at)
    {
        if (name is Version or Extends)
        {
            problems.Add(new(at, $"{name} cannot be set from the command line"));
        }
        else if (value is ScalarNode && name == DenyPrefix[..^1])
        {
            problems.Add(new(at, $"'{name}' is a section; set one of its flags: "
                + $"{DenyPrefix}CLONE_NEWUSER=EPERM"));
        }
        else if (PolicyModel.Find(name) is { } key)
        {
            Apply(key, value);
        }
        else if (PolicyModel.IsSection(name))
        {
            problems.Add(new(at, $"'{name}' is a section; set one of its keys: "
                + string.Join(", ", PolicyModel.Below(name))));
        }
        else
        {
            RefuseKey(name, at, AllNames(), name);
        }
    }

    private void BindSection(MappingNode map, string section)
    {
        foreach ((ScalarNode word, PolicyNode value) in map.Entries)
        {
            string name = section.Length == 0 ? word.Text : $"{section}.{word.Text}";
            bool single = !word.Text.Contains('.', StringComparison.Ordinal);
            if (single && PolicyModel.Find(name) is { } key)
            {
                Apply(key, value);
            }
            else if (single && PolicyModel.IsSection(name))
            {
                if (value is MappingNode inner)
                {
                    BindSection(inner, name);
                }
                else
                {
                    problems.Add(new(
                        value.Origin, $"{name} is a section with keys, not {value.Describe}"));
                }
            }
            else
            {
                RefuseKey(name, word.Origin, PolicyModel.Below(section), Last(name));
            }
        }
    }

    private void Apply(PolicyKey key, PolicyNode node)
    {
        if (key.Kind.Read(key.Name, node, problems) is not { } value)
        {
            return;
        }

        key.Apply(draft, value, node);
        if (node is ScalarNode scalar && key.Name is not Version and not Extends)
        {
            draft.Values[key.Name] = new(scalar.Text, scalar.Origin);
        }
    }

    /// <summary>Says that there is no such key, with the nearest of those that there are.</summary>
    /// <param name="name">Its dotted name.</param>
    /// <param name="at">Where it stands.</param>
    /// <param name="known">What its last part is looked for in.</param>
    /// <param name="word">What is looked for among the dotted names of all keys then.</param>
    private void RefuseKey(string name, Origin at, IEnumerable<string> known, string word)
    {
        string shown = ScalarNode.Escape(name);
        if (PolicyModel.IsNotEnforced(name))
        {
            problems.Add(new(at, $"'{shown}' is not enforced by this version, so it is refused"));
            return;
        }

        string near = Nearest.Suggest(Last(name), known);
        near = near.Length > 0 ? near : Nearest.Suggest(word, AllNames());
        problems.Add(new(at, $"there is no key '{shown}'{near}"));
    }

    private static string Last(string name) => name[(name.LastIndexOf('.') + 1)..];

    private static IEnumerable<string> AllNames()
    {
        foreach (PolicyKey key in PolicyModel.Keys)
        {
            yield return key.Name;
        }
    }

    /// <summary>A list as <c>--set</c> writes it: items with commas, brackets or none.</summary>
    private static SequenceNode Split(ScalarNode value)
    {
        string text = value.Text;
        bool bracketed = text.StartsWith('[') && text.EndsWith(']');
        int at = value.Origin.Column + (bracketed ? 1 : 0);
        var items = new List<PolicyNode>();
        string inner = bracketed ? text[1..^1] : text;
        foreach (string part in inner.Length == 0 ? [] : inner.Split(','))
        {
            int column = at + part.Length - part.TrimStart().Length;
            string item = part.Trim().Trim('\'', '"');
            items.Add(new ScalarNode(value.Origin with { Column = column }, item, false));
            at += part.Length + 1;
        }

        return new(value.Origin, items);
    }
}
