using System;
using System.Globalization;
using System.Linq;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Interpose.Abi;
using Policies.Files;

namespace Policies.Tests;

/// <summary>
/// JSON documents drawn from a seed: right ones out of the model's keys, then changed here and there.
/// </summary>
/// <remarks>
/// Left out is what JSON Schema cannot say: keys that are there twice, ranges of CPUs that run backwards ("3-1"),
/// <c>extends</c> of what is missing, and numbers written as 1.0 or 1e3, which are integers to a schema. So are texts
/// that end in a line break, where the regular expressions of .NET let '$' match before it, -0, and combining
/// characters, which the validator counts as one, and two ways to write one path. Whether keys fit together is
/// not looked at.
/// </remarks>
internal sealed class RandomDocuments(int seed)
{
    private static readonly string[] FlagNames = [.. FlagName.Within(ulong.MaxValue, shapes: true)];
    private static readonly string[] Errnos = [.. Enum.GetNames<Errno>(), "allow", "eperm", "EPREM", ""];

    /// <summary>JSON texts of values that are right for some keys and wrong for others.</summary>
    private static readonly string[] Odd =
    [
        "null", "true", "false", "0", "1", "2", "-1", "-20", "-21", "19", "20", "-1000", "1000", "1001", "1023",
        "1024", "4194304", "4194305", "2147483647", "2147483648", "9007199254740991", "9007199254740992",
        "99999999999999999999999", "1.5", "[]", "{}", "[[]]", "[null]", "[\"\"]", "[1]", "{\"a\":1}",
        "{\"\":null}", "{\"CLONE_VM\":\"EPERM\"}", "[\"CLONE_VM\"]", "\"\"", "\" \"", "\"1\"", "\"null\"", "\"~\"",
        "\"true\"", "\"4G\"", "\"4g\"", "\"4 G\"", "\"G\"", "\"1.5G\"", "\"999999T\"", "\"1000000T\"", "\"000000K\"",
        "\"4096\"", "\"-1K\"", "\"+1K\"", "\"0s\"", "\"1s\"", "\"01s\"", "\"999999h\"", "\"1000000s\"", "\"90\"",
        "\"1d\"", "\"10ms\"", "\"0\"", "\"00\"", "\"0-0\"", "\"0,2-3\"", "\"0-1023\"", "\"0-1024\"", "\"1024\"",
        "\"1-\"", "\"-1\"", "\"1-2-3\"", "\",\"", "\"1,\"", "\"1, 2\"", "\"007\"", "\"errno\"", "\"kill\"",
        "\"Kill\"", "\"ptrace\"", "\"notify\"", "\"allow\"", "\"EPERM\"", "\"EWOULDBLOCK\"", "\"EAGAIN\"",
        "\"ERESTARTSYS\"", "\"None\"", "\"other\"", "\"idle\"", "\"fifo\"", "\"CLONE_VM\"", "\"a \\u001b \\ud83d\\ude00 b\"",
        "\"-1h\"", "\"-0ms\"", "\"--1s\"", "\"-s\"", "\"1000000h\"", "\"on\"", "\"off\"", "\"On\"", "\"host\"",
        "\"none\"", "\"a.b-c\"", "\"a.\"", "\".a\"", "\"-\"", "\"rw\"", "\"proc\"", "\"fuse\"", "[\"mount\"]", "[\"mnt\"]",
        "[\"CAP_CHOWN\"]", "[\"cap_chown\"]", "[\"@mount\",\"ptrace\"]", "[\"clone\"]", "[\"@fork\"]", "[\"files\"]",
        "{\"/a\":\"ro\"}", "{\"/a\":{}}", "{\"/a\":{\"access\":\"tmpfs\",\"size\":\"1K\"}}",
        "{\"/a\":{\"access\":\"ro\",\"size\":\"1K\"}}", "{\"/a\":{\"access\":\"ro\"}}", "{\"/a\":{\"size\":\"1K\"}}",
        "\"\\\\ \\/ \\\" ' \\t\"", "\"# no comment\"", "\"a: b\"", "\"*a\"", "\"1e3\"", "\"0x10\"", "\"\\u0000\"",
    ];

    private static readonly string[] UnknownKeys =
    [
        "memory", "cpu", "wall", "idle", "io_weight", "namespaces", "domains",
        "net", "access", "size", "/x", "tasks", "Version", "creation.limits", "creation", "version", "limits", "<<", "", "~", "null", "1",
    ];

    /// <summary>How many keys a document has on average.</summary>
    private const int Drawn = 7;

    private readonly Random _random = new(seed);

    /// <summary>A document; about half of them are right.</summary>
    public JsonNode? Next()
    {
        var root = new JsonObject { ["version"] = 1 };
        foreach (PolicyKey key in PolicyModel.Keys)
        {
            if (key.Name != "version" && _random.Next(PolicyModel.Keys.Length) < Drawn)
            {
                Put(root, key.Name, Value(key));
            }
        }

        for (int i = _random.Next(3); i > 0; i--)
        {
            Change(root);
        }

        return _random.Next(100) == 0 ? JsonNode.Parse(Odd[_random.Next(Odd.Length)]) : root;
    }

    private void Change(JsonObject root)
    {
        PolicyKey key = PolicyModel.Keys[_random.Next(PolicyModel.Keys.Length)];
        int dot = key.Name.LastIndexOf('.');
        string section = dot < 0 ? string.Empty : key.Name[..dot];
        switch (_random.Next(8))
        {
            case 0:
                string unknown = UnknownKeys[_random.Next(UnknownKeys.Length)];
                Put(root, section.Length == 0 ? unknown : $"{section}.{unknown.Replace('.', '_')}", OddValue(unknown));
                break;
            case 1 when section.Length > 0:
                Put(root, section, OddValue(section));
                break;
            case 2 when _random.Next(4) == 0:
                root.Remove("version");
                break;
            default:
                Put(root, key.Name, OddValue(key.Name));
                break;
        }
    }

    /// <summary>A value for its key, right more often than not.</summary>
    private JsonNode? Value(PolicyKey key) => key.Kind switch
    {
        IntegerKind => Number(key.Kind.Takes),
        TextKind when key.Name == "extends" => BuiltinPolicies.Names[_random.Next(BuiltinPolicies.Names.Count)],
        TextKind => Text(int.Parse(
            Regex.Match(key.Kind.Takes, "to ([0-9]+)").Groups[1].Value, CultureInfo.InvariantCulture)),
        NameListKind<FlagName> => new JsonArray([.. Enumerable.Range(0, _random.Next(4)).Select(_ => (JsonNode)Flag(key))]),
        FlagErrnoKind => new JsonObject(Enumerable.Range(0, _random.Next(4)).Select(_ => Flag(key)).Distinct()
            .Select(f => KeyValue(f, ErrnoName("EPERM")))),
        ErrnoKind => ErrnoName("ENOSYS"),
        PathMapKind => new JsonObject(Enumerable.Range(0, _random.Next(4)).Select(_ => Path())
            .DistinctBy(p => FilePattern.Normalise(p, out string? _) ?? p).Select(p => KeyValue(p, PathRule()))),
        { IsList: true } => new JsonArray(
            [.. Enumerable.Range(0, _random.Next(4)).Select(_ => (JsonNode)ListName(key))]),
        { Takes: var takes } when takes.StartsWith("a name of", StringComparison.Ordinal) => HostName(),
        _ => Example(key),
    };

    private JsonNode Number(string takes)
    {
        int[] ends = [.. Regex.Matches(takes, "-?[0-9]+").Select(m => int.Parse(m.Value, CultureInfo.InvariantCulture))];
        return _random.Next(20) == 0 ? ends[0] - 1L : _random.Next(20) == 0 ? ends[^1] + 1L
            : _random.NextInt64(ends[0], ends[^1] + 1L);
    }

    private JsonNode Text(int most)
    {
        int length = _random.Next(10) switch { 0 => most, 1 => most + 1, 2 => 1, _ => _random.Next(1, 30) };
        string[] letters = ["a", "\u00e4", "\U0001f600", "\u2028", "\u0085", "'", "\"", "\\", "#", ": ", "\t", "-"];
        return string.Concat(Enumerable.Range(0, length - 1).Select(_ => letters[_random.Next(letters.Length)][..])) + "x";
    }

    private string Flag(PolicyKey key)
    {
        string name = FlagNames[_random.Next(FlagNames.Length)];
        return _random.Next(40) == 0 ? "CLONE_NEWSN" : key.Name == "creation.allow" || key.Name == "creation.deny"
            || _random.Next(8) == 0 ? name : "CLONE_NEWUTS";
    }

    private string ErrnoName(string usual) => _random.Next(4) > 0 ? usual : Errnos[_random.Next(Errnos.Length)];

    /// <summary>A name out of those of some key, most often of this one.</summary>
    private string ListName(PolicyKey key)
    {
        string[] names = key.Name switch
        {
            "isolation.namespaces" => [.. NamespaceTypes.All.Select(t => t.Name())],
            "isolation.capabilities" => [.. CapabilityNames.All],
            "degrade" => [.. Protections.All.Select(p => p.Name())],
            _ => [.. SyscallGroups.Names()],
        };
        string[] odd = ["CAP_ALL", "files", "mnt", "clone", "ioctl", "@fork", "@none", "", "execve", "read", "net"];
        return _random.Next(40) == 0 ? odd[_random.Next(odd.Length)] : names[_random.Next(names.Length)];
    }

    private string HostName()
    {
        const string letters = "aZ09-._ ";
        int length = _random.Next(6) switch { 0 => 64, 1 => 65, 2 => 1, _ => _random.Next(1, 12) };
        int kinds = _random.Next(5) == 0 ? letters.Length : 4;
        return string.Concat(Enumerable.Range(0, length).Select(_ => letters[_random.Next(kinds)]));
    }

    private string Path()
    {
        string[] parts =
        [
            "a", "b c", ".", "..", "...", "", "*", "**", "a*b?", "[a-z]", "[!a]", "[", "[]", "[!]", "[!]]", "[[]", "]",
            "[*]", "[a", "~", "\\", "\u00e4", "\U0001f600", "\t", "\u0001", "'", "#", ": ",
        ];
        string[] starts = ["/", "./", "~/", "/", "/", "./", ".", "~", "", "a/", "~b/", "../", "//"];
        string start = starts[_random.Next(_random.Next(12) == 0 ? starts.Length : 6)];
        return start + string.Join('/', Enumerable.Range(0, _random.Next(4)).Select(
            _ => parts[_random.Next(8) == 0 ? _random.Next(parts.Length) : 0]));
    }

    private JsonNode? PathRule()
    {
        string[] rules =
        [
            "\"ro\"", "\"rw\"", "\"hide\"", "\"deny\"", "\"cow\"", "\"tmpfs\"", "\"proc\"", "\"dev\"", "\"tmpfs\"",
            "{\"access\":\"dev\"}", "{\"access\":\"tmpfs\",\"size\":\"64M\"}", "{\"size\":\"1T\",\"access\":\"tmpfs\"}",
            "{\"access\":\"rw\",\"size\":\"64M\"}", "{\"access\":\"tmpfs\",\"size\":\"0K\"}", "{\"size\":\"1K\"}",
            "{\"access\":\"tmpfs\",\"size\":64}", "{\"access\":\"tmpfs\",\"sise\":\"1K\"}", "\"fuse\"", "null", "[]",
        ];
        return JsonNode.Parse(rules[_random.Next(_random.Next(12) == 0 ? rules.Length : 12)]);
    }

    private static JsonNode? Example(PolicyKey key) => long.TryParse(key.Example, out long number)
        ? number : JsonValue.Create(key.Example);

    private JsonNode? OddValue(string key)
    {
        string odd = Odd[_random.Next(Odd.Length)];
        return JsonNode.Parse(key == "extends" && odd[0] == '"' && odd.Length > 2 ? "[]" : odd);
    }

    private static System.Collections.Generic.KeyValuePair<string, JsonNode?> KeyValue(string key, JsonNode? value) =>
        new(key, value);

    /// <summary>Puts a value at a dotted name, where that still leads through sections.</summary>
    private static void Put(JsonObject root, string name, JsonNode? value)
    {
        JsonObject at = root;
        string[] parts = name.Split('.');
        foreach (string part in parts[..^1])
        {
            if (!at.ContainsKey(part))
            {
                at[part] = new JsonObject();
            }

            if (at[part] is not JsonObject inner)
            {
                return;
            }

            at = inner;
        }

        at[parts[^1]] = value;
    }
}
