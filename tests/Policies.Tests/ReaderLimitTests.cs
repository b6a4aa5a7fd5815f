using System.Linq;
using System.Text;
using Policies.Files;

namespace Policies.Tests;

/// <summary>What the reader does not take as YAML of a policy, and how much of it.</summary>
public sealed class ReaderLimitTests
{
    [Theory]
    [InlineData("version: 1\nversion: 1\n", "2:1: key 'version' is there twice")]
    [InlineData("version: 1\ncreation: {engine: ptrace, engine: ptrace}\n", "2:28: key 'engine' is there twice")]
    [InlineData("version: 1\n'version': 1\n", "2:1: key 'version' is there twice")]
    [InlineData("version: 1\n---\nversion: 1\n", "2:1: a policy is one document; a second one begins here")]
    [InlineData("version: !!int 1\n", "1:10: tags are not used in policies: tag:yaml.org,2002:int")]
    [InlineData("!policy\nversion: 1\n", "1:1: tags are not used in policies: !policy")]
    [InlineData("version: 1\ndescription: *a\n", "2:14: no anchor 'a' stands before this")]
    [InlineData("version: 1\ncreation: &a {limits: *a}\n", "2:23: no anchor 'a' stands before this")]
    [InlineData("version: 1\n? [a, b]\n: 1\n", "2:3: a key is a single word, not a list")]
    [InlineData("version: 1\n{a: b}: 1\n", "2:1: a key is a single word, not a section")]
    public void What_policies_do_not_use_is_refused(string text, string expected) =>
        Assert.Equal(["p.yaml:" + expected], Texts.Errors(text));

    [Theory]
    [InlineData("version: [1\n")]
    [InlineData("version: 1\n\tcreation: {}\n")]
    [InlineData("version: \"1\n")]
    [InlineData("a: b: c\n")]
    [InlineData("@fork\n")]
    [InlineData("version: 1\n}\n")]
    public void What_is_no_yaml_is_told_with_its_place(string text)
    {
        PolicyProblem problem = Assert.Single(Texts.Load(text).Problems);
        Assert.Contains("this is no YAML: ", problem.Message);
        Assert.InRange(problem.Origin!.Line, 1, 3);
    }

    [Theory]
    [InlineData("", 1, 1)]
    [InlineData("version: 1\n", 2, 1)]
    [InlineData("version: 1\ndescription: \u00e4\u00f6", 2, 16)]
    [InlineData("version: 1\n\n# \U0001f600", 3, 5)]
    public void A_byte_that_is_no_utf_8_is_told_with_its_place(string before, int line, int column)
    {
        foreach (byte wrong in new byte[] { 0xff, 0xc0, 0x80, 0xe4 })
        {
            byte[] text = [.. Encoding.UTF8.GetBytes(before), wrong, (byte)'\n'];
            PolicyProblem problem = Assert.Single(
                PolicyLoader.LoadText(text, Texts.Name).Problems);
            Assert.Equal($"p.yaml:{line}:{column}: this is no UTF-8", problem.ToString());
        }
    }

    [Fact]
    public void A_byte_that_is_no_utf_8_is_found_behind_a_byte_order_mark_and_a_long_text()
    {
        byte[] text = [0xef, 0xbb, 0xbf, .. Enumerable.Repeat((byte)'#', 70_000), 0xff];
        Assert.Equal(
            ["p.yaml:1:70001: this is no UTF-8"],
            Texts.Errors(PolicyLoader.LoadText(text, Texts.Name)));
    }

    [Theory]
    [InlineData("version: 1\n\0resources: {nice: 1000}\n", 2, 1)]
    [InlineData("version: 1\ndescription: a\0b\n", 2, 15)]
    [InlineData("version: 1 # \u0001\n", 1, 14)]
    [InlineData("version: 1\r\n\u001b[31m\r\n", 2, 1)]
    public void A_control_character_ends_no_text_unseen(string text, int line, int column)
    {
        PolicyProblem problem = Assert.Single(Texts.Load(text).Problems);
        Assert.StartsWith("this is no YAML: ", problem.Message);
        Assert.Equal((line, column), (problem.Origin!.Line, problem.Origin.Column));
    }

    [Fact]
    public void A_text_of_256_KiB_is_read_and_one_of_a_byte_more_is_not()
    {
        const int most = 256 * 1024;
        string text = "version: 1\n#" + new string('x', most - 12);
        Assert.Equal(most, text.Length);
        Texts.Valid(text);
        Assert.Equal(["p.yaml:1:1: a policy has at most 256 KiB"], Texts.Errors(text + "x"));
    }

    [Fact]
    public void Sixteen_levels_are_read_and_seventeen_are_not()
    {
        static string Levels(int n) =>
            "version: 1\nx: " + new string('[', n - 1) + new string(']', n - 1);
        Assert.Equal(["p.yaml:2:1: there is no key 'x'"], Texts.Errors(Levels(16)));
        Assert.Equal(
            ["p.yaml:2:19: more than 16 levels within one another"], Texts.Errors(Levels(17)));
    }

    [Fact]
    public void Ten_thousand_values_are_read_and_one_more_is_not()
    {
        // The root, two keys, a value, and a list with its items.
        static string Values(int n) =>
            "version: 1\nx: [" + string.Join(",\n  ", Enumerable.Repeat("a", n - 5)) + "]";
        Assert.Equal(["p.yaml:2:1: there is no key 'x'"], Texts.Errors(Values(10_000)));
        Assert.EndsWith(
            ": more than 10000 values, aliases counted with what they stand for",
            Assert.Single(Texts.Errors(Values(10_001))));
    }

    [Fact]
    public void An_alias_counts_with_all_that_it_stands_for()
    {
        var laughs = new StringBuilder("version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 10; i++)
        {
            string ten = string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10));
            laughs.Append($"a{i}: &a{i} [{ten}]\n");
        }

        string error = Assert.Single(Texts.Errors(laughs.ToString()));
        Assert.StartsWith("p.yaml:5:", error);
        Assert.EndsWith("aliases counted with what they stand for", error);
    }

    [Fact]
    public void An_anchor_can_be_used_and_set_anew() => Assert.Equal(
        (5, 5, 6),
        Texts.Valid("""
            version: 1
            creation:
              limits:
                tasks: &n 5
                depth: *n
                threads: &n 6
                per_second: *n
            """).Creation.Limits is var limits
            ? (limits.Of(LimitKind.Tasks)!.Value.Value, limits.Of(LimitKind.Depth)!.Value.Value,
                limits.Of(LimitKind.PerSecond)!.Value.Value)
            : default);

    [Fact]
    public void An_alias_that_repeats_a_key_is_refused_where_it_stands() => Assert.Equal(
        ["p.yaml:2:1: key 'version' is there twice"],
        Texts.Errors("&v version: 1\n*v : 1\n"));

    [Fact]
    public void Merge_keys_are_keys_like_any_other() => Assert.Contains(
        "p.yaml:3:3: there is no key 'creation.<<'",
        Texts.Errors("version: 1\ncreation:\n  <<: {engine: ptrace}\n"));
}
