using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Policies.Files;

/// <summary>
/// A policy text in a form that needs no YAML reader: one line for each value, with its place.
/// The profiles that ship are kept so, for the first YAML text that a process reads costs
/// milliseconds.
/// </summary>
internal static class CompiledText
{
    private const char Plain = 'p';
    private const char Quoted = 'q';

    /// <summary>Writes a text down.</summary>
    public static string Write(PolicyNode root)
    {
        var text = new StringBuilder();
        Write(text, root);
        return text.ToString();
    }

    /// <summary>Reads what <see cref="Write(PolicyNode)"/> wrote.</summary>
    public static PolicyNode Read(string text, PolicySource source)
    {
        int at = 0;
        return Read(text.Split('\n'), ref at, source);
    }

    private static void Write(StringBuilder text, PolicyNode node)
    {
        string place = string.Create(
            CultureInfo.InvariantCulture, $"{node.Origin.Line}:{node.Origin.Column}");
        switch (node)
        {
            case ScalarNode scalar:
                char kind = scalar.Plain ? Plain : Quoted;
                text.Append(kind).Append(place).Append(' ').Append(scalar.Text).Append('\n');
                break;
            case SequenceNode list:
                text.Append('[').Append(place).Append('\n');
                foreach (PolicyNode item in list.Items)
                {
                    Write(text, item);
                }

                text.Append("]\n");
                break;
            case MappingNode map:
                text.Append('{').Append(place).Append('\n');
                foreach ((ScalarNode key, PolicyNode value) in map.Entries)
                {
                    Write(text, key);
                    Write(text, value);
                }

                text.Append("}\n");
                break;
        }
    }

    private static PolicyNode Read(string[] lines, ref int at, PolicySource source)
    {
        string line = lines[at++];
        ReadOnlySpan<char> rest = line.AsSpan(1);
        int space = rest.IndexOf(' ');
        ReadOnlySpan<char> place = space < 0 ? rest : rest[..space];
        int colon = place.IndexOf(':');
        var origin = new Origin(
            source, int.Parse(place[..colon], CultureInfo.InvariantCulture),
            int.Parse(place[(colon + 1)..], CultureInfo.InvariantCulture));
        if (line[0] is Plain or Quoted)
        {
            return new ScalarNode(origin, rest[(space + 1)..].ToString(), line[0] == Plain);
        }

        var items = new List<PolicyNode>();
        while (lines[at][0] is not ']' and not '}')
        {
            items.Add(Read(lines, ref at, source));
        }

        at++;
        if (line[0] == '[')
        {
            return new SequenceNode(origin, items);
        }

        var entries = new List<(ScalarNode Key, PolicyNode Value)>(items.Count / 2);
        for (int i = 0; i < items.Count; i += 2)
        {
            entries.Add(((ScalarNode)items[i], items[i + 1]));
        }

        return new MappingNode(origin, entries);
    }
}
