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

        // The name of an entry may hold what it likes; what it is set to holds no '='.
        PolicyKey? holder = PolicyModel.FindHolder(setting);
        equals = holder is null ? equals : setting.LastIndexOf('=');
        string name = setting[..equals];
        var value = new ScalarNode(new(source, number, equals + 2), setting[(equals + 1)..], true);
        if (holder is not null)
        {
            int start = holder.Name.Length + 1;
            SetEntry(holder.Name, name[start..], origin with { Column = start + 1 }, value);
        }
        else
        {
            bool isList = PolicyModel.Find(name) is { Kind.IsList: true };
            Set(name, isList ? Split(value) : value, origin);
        }

        draft.EndLayer();
    }

    /// <summary>Lays what options of the command line stand for over the draft.</summary>
    public void BindOptions(IReadOnlyList<PolicyOption> options)
    {
        foreach (PolicyOption option in options)
        {
            var origin = new Origin(new PolicySource(option.Option), option.Number, 1);
            var value = new ScalarNode(origin, option.Value, false);
            if (option.Entry is { } entry)
            {
                SetEntry(option.Key, entry, origin, value);
            }
            else
            {
                Set(option.Key, value, origin);
            }
        }

        draft.EndLayer();
    }

    private void SetEntry(string key, string entry, Origin at, ScalarNode value) => Set(
        key, new MappingNode(at, [(new ScalarNode(at, entry, false), value)]), at);

    private void Set(string name, PolicyNode value, Origin at)
    {
        if (name is Version or Extends)
        {
            problems.Add(new(at, $"{name} cannot be set from the command line"));
        }
        else if (PolicyModel.Find(name) is { } key)
        {
            if (value is ScalarNode && key.Kind.Entries is { } entries)
            {
                problems.Add(new(at, $"'{name}' is a section; set one of its {entries.Noun}: "
                    + $"{name}.{entries.Example}"));
                return;
            }

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
