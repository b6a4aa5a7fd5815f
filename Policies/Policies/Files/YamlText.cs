using System;
using System.Buffers;
using System.Collections.Generic;
using System.IO;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Policies.Files;

/// <summary>
/// Reads YAML 1.2 (of which JSON is a part) into nodes with positions. The text is hostile:
/// size, depth, number of nodes and aliases are limited, and nothing is made that it names.
/// </summary>
internal sealed class YamlText
{
    /// <summary>Bytes of one text.</summary>
    public const int MostBytes = 256 * 1024;

    /// <summary>Levels of lists and sections within one another.</summary>
    public const int MostDepth = 16;

    /// <summary>Values of one text, each alias counted with all that it stands for.</summary>
    public const int MostNodes = 10_000;

    /// <summary>What no YAML text holds; the scanner would take a NUL for the end.</summary>
    private static readonly SearchValues<char> Controls = SearchValues.Create(
        "\0\u0001\u0002\u0003\u0004\u0005\u0006\a\b\v\f\u000e\u000f\u0010\u0011\u0012"
        + "\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f");

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private readonly PolicySource _source;
    private readonly ICollection<PolicyProblem> _problems;
    private readonly Dictionary<string, (PolicyNode Node, int Weight)> _anchors = [];
    private readonly Stack<Collection> _open = new();
    private int _nodes;
    private PolicyNode? _root;

    private YamlText(PolicySource source, ICollection<PolicyProblem> problems) =>
        (_source, _problems) = (source, problems);

    /// <summary>Reads a text.</summary>
    /// <param name="text">Its bytes, UTF-8.</param>
    /// <param name="source">Its name.</param>
    /// <param name="problems">Gets what is wrong with it.</param>
    /// <returns>The root, or null when it is no YAML or more than one document.</returns>
    public static PolicyNode? Read(
        ReadOnlySpan<byte> text, PolicySource source, ICollection<PolicyProblem> problems)
    {
        var reader = new YamlText(source, problems);
        if (text.Length > MostBytes)
        {
            return reader.Wrong(1, 1, $"a policy has at most {MostBytes / 1024} KiB");
        }

        ReadOnlySpan<byte> body = text.StartsWith(Encoding.UTF8.Preamble) ? text[3..] : text;
        try
        {
            string decoded = Strict.GetString(body);
            int control = decoded.AsSpan().IndexOfAny(Controls);
            return control < 0 ? reader.Compose(decoded) : reader.WrongAfter(
                decoded[..control], "this is no YAML: a control character stands here");
        }
        catch (DecoderFallbackException e)
        {
            int valid = e.Index < 0 ? 0 : Math.Min(e.Index, body.Length);
            return reader.WrongAfter(Encoding.UTF8.GetString(body[..valid]), "this is no UTF-8");
        }
        catch (YamlException e)
        {
            return reader.Wrong(
                (int)Math.Max(1, e.Start.Line), (int)Math.Max(1, e.Start.Column),
                "this is no YAML: " + ScalarNode.Escape(e.Message));
        }
    }

    private PolicyNode? Wrong(int line, int column, string message)
    {
        _problems.Add(new(new Origin(_source, line, column), message));
        return null;
    }

    private PolicyNode? WrongAfter(string before, string message) => Wrong(
        before.AsSpan().Count('\n') + 1, before.Length - before.LastIndexOf('\n'), message);

    private PolicyNode? Wrong(ParsingEvent at, string message) =>
        Wrong((int)at.Start.Line, (int)at.Start.Column, message);

    private PolicyNode? Compose(string text)
    {
        var parser = new Parser(new StringReader(text));
        int documents = 0;
        while (MoveNext(parser))
        {
            ParsingEvent now = parser.Current!;
            if (now is DocumentStart && ++documents > 1)
            {
                return Wrong(now, "a policy is one document; a second one begins here");
            }

            if (!Take(now))
            {
                return null;
            }
        }

        return _root ?? Wrong(1, 1, "the policy is empty; the least is 'version: 1'");
    }

    /// <summary>
    /// To the next event. The scanner answers some texts, such as two document ends in a row or a
    /// tag that is no URI, with an exception for bugs of its caller: they are no YAML either.
    /// </summary>
    private static bool MoveNext(Parser parser)
    {
        try
        {
            return parser.MoveNext();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            Mark at = parser.Current?.End ?? Mark.Empty;
            throw new YamlException(at, at, "what follows cannot be read", e);
        }
    }

    /// <summary>Takes one event; false when the text must not be read further.</summary>
    private bool Take(ParsingEvent now)
    {
        if (now is NodeEvent { Tag: { IsEmpty: false, IsNonSpecific: false } } tagged)
        {
            Wrong(now, $"tags are not used in policies: {ScalarNode.Shown(tagged.Tag.Value)}");
            return false;
        }

        switch (now)
        {
            case Scalar scalar:
                return Add(
                    now, new ScalarNode(At(now), scalar.Value, scalar.Style == ScalarStyle.Plain),
                    scalar.Anchor, 1);
            case AnchorAlias alias:
                return AddAlias(alias);
            case MappingStart or SequenceStart:
                if (_open.Count == MostDepth)
                {
                    Wrong(now, $"more than {MostDepth} levels within one another");
                    return false;
                }

                _open.Push(new Collection(now is MappingStart, At(now), ((NodeEvent)now).Anchor));
                return true;
            case MappingEnd or SequenceEnd:
                Collection done = _open.Pop();
                return Add(now, done.Node(), done.Anchor, done.Weight);
            default:
                return true;
        }
    }

    private bool AddAlias(AnchorAlias alias)
    {
        if (_anchors.TryGetValue(alias.Value.Value, out (PolicyNode Node, int Weight) known))
        {
            return Add(alias, known.Node, AnchorName.Empty, known.Weight);
        }

        Wrong(alias, $"no anchor '{ScalarNode.Shown(alias.Value.Value)}' stands before this");
        return false;
    }

    private bool Add(ParsingEvent now, PolicyNode node, AnchorName anchor, int weight)
    {
        // A collection's own items were counted when they were added.
        _nodes += node is ScalarNode || now is AnchorAlias ? weight : 1;
        if (_nodes > MostNodes)
        {
            Wrong(now, $"more than {MostNodes} values, aliases counted with what they stand for");
            return false;
        }

        if (!anchor.IsEmpty)
        {
            _anchors[anchor.Value] = (node, weight);
        }

        if (_open.Count == 0)
        {
            _root = node;
            return true;
        }

        if (_open.Peek().Add(node, weight) is { } problem)
        {
            Origin at = now is AnchorAlias ? At(now) : node.Origin;
            _problems.Add(new(at, problem));
        }

        return true;
    }

    private Origin At(ParsingEvent now) =>
        new(_source, (int)now.Start.Line, (int)now.Start.Column);

    /// <summary>A list or section that is being read.</summary>
    private sealed class Collection(bool mapping, Origin origin, AnchorName anchor)
    {
        private readonly List<PolicyNode> _items = [];
        private readonly List<(ScalarNode Key, PolicyNode Value)> _entries = [];
        private readonly HashSet<string> _keys = new(StringComparer.Ordinal);
        private PolicyNode? _key;

        public AnchorName Anchor { get; } = anchor;

        public int Weight { get; private set; } = 1;

        /// <summary>Adds an item, or a key and then its value; gives what is wrong.</summary>
        public string? Add(PolicyNode node, int weight)
        {
            Weight += weight;
            if (!mapping)
            {
                _items.Add(node);
                return null;
            }

            if (_key is null)
            {
                _key = node;
                return node is not ScalarNode word ? $"a key is a single word, not {node.Describe}"
                    : _keys.Add(word.Text) ? null : $"key {word.Describe} is there twice";
            }

            var key = _key as ScalarNode;
            _key = null;
            if (key is null)
            {
                return null;
            }

            _entries.Add((key, node));
            return null;
        }

        public PolicyNode Node() => mapping
            ? new MappingNode(origin, _entries) : new SequenceNode(origin, _items);
    }
}
