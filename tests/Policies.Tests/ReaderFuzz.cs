using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using Policies.Files;

namespace Policies.Tests;

/// <summary>Hostile texts: the reader refuses them, at a place, and comes to an end.</summary>
public sealed class ReaderFuzz
{
    private const int Rounds = 20_000;
    private const int Full = 256 * 1024;

    /// <summary>How long fuzzing goes on at most, and after what time a single text counts as endless.</summary>
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan Endless = TimeSpan.FromSeconds(20);

    private static readonly string[] Tokens =
    [
        "[", "]", "{", "}", ",", ": ", ":", "- ", "-", "? ", "?", "*a", "*a ", "&a ", "&a", "'", "\"", "%", "%YAML 1.1\n",
        "%TAG ! a\n", "!", "!!", "!<", "|", ">", "|9", ">-\n", "|+\n  ", "#", " #", "\n", "\r", "\r\n", "\t", "  ", "\n  ",
        "---", "\n---\n", "...", "\n...\n", "@", "`", "\\", "\\u", "\\x4", "\\ud800", "<<", "~", "=", "\0", "\u0001", "\u001b",
        "\u0085", "\u2028", "\u202e", "\ufeff", "\ufffe", "\U0001f600", "a\u0301", "version", "version: 1\n", "extends: ",
        "default", "build", "creation:\n", "creation: {", "allow: [", "deny: {", "limits: ", "entry: ", "resources: ", "''",
        "\"\"", "4G", "10m", "0-3", "EPERM", "CLONE_NEWNS", "'@all'", "0x", "0o", "1e", "-.inf", "+", "99999999999999999999",
    ];

    private static readonly string[] Seeds =
    [
        "version: 1\nx: " + new string('[', 40) + "\n", "a: &a [*a, *a]\nb: *a\n", "? [a, b]\n: - c\n  - ? d\n    : e\n",
        "version: 1\ndescription: |2\n    a\n   b\n\n", "version: 1\ndescription: >-\n  a\n  b\n", "x: " + new string('y', 3000) + "\n",
        "\"a\\\n  b\": 'c\n\n  d'\n", "%YAML 1.2\n---\n!!map {version: !!int 1}\n...\n---\n", "version: 1\ncreation: {allow: [a,\nb]}\n",
        "version: 1\nresources: {file_size: '', cpu_time: \"\", affinity: ''}\n", "{\"version\":1,\"creation\":{\"deny\":{\"@all\":\"EPERM\"}}}",
    ];

    /// <summary>Each stands for a text of 256 KiB that repeats it.</summary>
    public static TheoryData<string, string> Repeated { get; } = NewRepeated();

    [Theory]
    [MemberData(nameof(Repeated))]
    public void A_text_of_the_most_bytes_comes_to_an_end(string head, string repeated)
    {
        string text = head + string.Concat(Enumerable.Repeat(repeated, Full / Encoding.UTF8.GetByteCount(repeated)));
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        LoadedPolicy loaded = Check(bytes.AsMemory(0, Math.Min(bytes.Length, Full)), $"'{head}' + '{repeated}'");
        Assert.Null(loaded.Policy);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("CLONE_CHILD_CLEARTID_")]
    [InlineData("creation.limits.per_second_of_")]
    public void Thousands_of_unknown_names_come_to_an_end(string name)
    {
        string[] names = [.. Enumerable.Range(0, 4000).Select(i => name + i)];
        string allow = string.Join(", ", names);
        string deny = string.Join(", ", names.Select(n => n + ": EPREMMM"));
        string keys = string.Concat(names.Select(n => n + ": 1\n"));
        Check(Encoding.UTF8.GetBytes($"version: 1\ncreation: {{allow: [{allow}]}}"), name);
        Check(Encoding.UTF8.GetBytes($"version: 1\ncreation: {{deny: {{{deny}}}}}"), name);
        LoadedPolicy loaded = Check(Encoding.UTF8.GetBytes("version: 1\n" + keys), name);
        Assert.Equal(4000, loaded.Problems.Count);
    }

    [Fact]
    public void Mutated_policies_are_read_or_refused_at_a_place()
    {
        byte[][] seeds =
        [
            .. Directory.GetFiles(Repository.File("Policies/profiles"), "*.yaml").Order().Select(File.ReadAllBytes),
            .. Seeds.Select(Encoding.UTF8.GetBytes),
        ];
        var clock = Stopwatch.StartNew();
        (int read, int refused) = (0, 0);
        for (int seed = 0; seed < Rounds && clock.Elapsed < Enough; seed++)
        {
            byte[] text = Mutate(new Random(seed), seeds);
            LoadedPolicy loaded = Check(text, $"seed {seed}");
            (read, refused) = loaded.Policy is null ? (read, refused + 1) : (read + 1, refused);
        }

        Assert.InRange(read, 1, Rounds);
        Assert.InRange(refused, 1, Rounds);
    }

    private static byte[] Mutate(Random random, byte[][] seeds)
    {
        var text = new List<byte>(seeds[random.Next(seeds.Length)]);
        for (int i = random.Next(1, 6); i > 0; i--)
        {
            int at = random.Next(text.Count + 1);
            int length = Math.Min(random.Next(1, 40), text.Count - at);
            byte[] token = Encoding.UTF8.GetBytes(Tokens[random.Next(Tokens.Length)]);
            switch (random.Next(8))
            {
                case 0:
                    text.RemoveRange(at, length);
                    break;
                case 1:
                    text.InsertRange(random.Next(text.Count + 1), text.GetRange(at, length));
                    break;
                case 2 when at < text.Count:
                    text[at] = (byte)random.Next(256);
                    break;
                case 3 when random.Next(3) == 0:
                    text.RemoveRange(at, text.Count - at);
                    break;
                case 4:
                    text.InsertRange(at, Enumerable.Repeat(token, random.Next(1, 60)).SelectMany(b => b));
                    break;
                case 5:
                    byte[] other = seeds[random.Next(seeds.Length)];
                    text.InsertRange(at, other.Take(random.Next(other.Length)));
                    break;
                default:
                    text.InsertRange(at, token);
                    break;
            }
        }

        return [.. text];
    }

    /// <summary>Reads a text: without an exception, to an end, and what is wrong has a place.</summary>
    private static LoadedPolicy Check(ReadOnlyMemory<byte> text, string what)
    {
        LoadedPolicy loaded;
        try
        {
            Task<LoadedPolicy> read = Task.Run(() => PolicyLoader.LoadText(text.Span, Texts.Name));
            Assert.True(read.Wait(Endless), $"{what}: no end");
            loaded = read.Result;
        }
        catch (AggregateException e)
        {
            string shown = Encoding.UTF8.GetString(text.Span[..Math.Min(text.Length, 2000)]);
            throw new InvalidOperationException($"{what}: {ScalarNode.Escape(shown)}", e.InnerException);
        }

        Assert.True(loaded.Policy is null == loaded.Problems.Count > 0, what);
        Assert.All(loaded.Problems, p => Assert.True(p.Origin is { Line: >= 1, Column: >= 1 }, $"{what}: {p}"));
        Assert.All(loaded.Problems, p => Assert.Equal(ScalarNode.Escape(p.ToString()), p.ToString()));
        return loaded;
    }

    private static TheoryData<string, string> NewRepeated()
    {
        string[] heads = [string.Empty, "version: 1\ncreation: ", "[", "{", "'", "\"", "a: |\n ", "? "];
        string[] repeated =
        [
            "[", "{a: ", "- ", "? ", "*a ", "&a ", "'", "\"", "%", "!", "|", "k", "{", "[\n ", ":", ": ", "a:\n", "a: a, ", "a, ",
            "-\n", "?\n", "...\n", "---\n", "#\n", "\n", "\t", " ", "\r", "[],", "'a',", "\"a\": ", "\U0001f600", "\u2028", "\ufeff",
            "&", "*", "!a ", "%TAG !a! b\n", "\\x41", "a \n", "? [", "- ? ", "@", ",", "]", "}", "a\0",
        ];
        var all = new TheoryData<string, string>();
        foreach (string head in heads)
        {
            foreach (string item in repeated)
            {
                all.Add(head, item);
            }
        }

        return all;
    }
}
