using System;
using System.Linq;
using System.Text.Json;
using System.Text.RegularExpressions;
using Conformance.Harness;

namespace Conformance;

/// <summary><c>sandbox policy</c>: what it prints and its exit status.</summary>
[Collection("programs")]
public sealed partial class PolicyCommandTests
{
    private const string Odd = """
        version: 1
        extends: build
        description: "with \"quotes\", a \\ and a # in it"
        creation:
          because: 'it''s needed: really'
          allow: [CLONE_NEWUSER]
          strip: [CLONE_IO]
          deny: {'@vfork': ENOSYS, CLONE_FS: EACCES}
          require: [CLONE_NEWUTS]
          entry: {clone3: ENOSYS, setns: allow}
          limits: {tasks: 77}
          namespaces: {user: {max: 3, map: root}, net: {depth: 2, loopback: up}}
          on_violation: kill
        resources: {nice: 3, stack: 8M, cpu_time: 90s, affinity: '0', scheduler: batch}
        """;

    [Theory]
    [InlineData("default")]
    [InlineData("build")]
    [InlineData("strict")]
    [InlineData("permissive")]
    [InlineData("odd.yaml")]
    public void What_show_prints_is_the_same_policy(string name)
    {
        using var place = new Workplace();
        place.Write("odd.yaml", Odd);
        Outcome shown = Product.Call(place, "policy", "show", name);
        Assert.Equal(0, shown.Status);
        Assert.Equal(string.Empty, shown.Err);
        place.Write("shown.yaml", shown.Out);
        Outcome again = Product.Call(place, "policy", "show", "shown.yaml");
        Assert.Equal(WithoutComments(shown.Out), WithoutComments(again.Out));
        Assert.Equal(Filter(place, name), Filter(place, "shown.yaml"));
    }

    [Fact]
    public void Show_says_where_each_value_was_set()
    {
        using var place = new Workplace();
        place.Write("odd.yaml", Odd);
        string[] lines = Product.Call(place, "policy", "show", "odd.yaml", "--set", "resources.core=1K")
            .Out.Split('\n');
        Assert.Matches("CLONE_NEWUSER +# odd.yaml:6:11$", lines.First(l => l.Contains("CLONE_NEWUSER")));
        Assert.Matches("tasks: 77 +# odd.yaml:11:19$", lines.Single(l => l.Contains("tasks:")));
        Assert.Contains(
            "build.yaml:11:14, extended by odd.yaml:2:10",
            lines.Single(l => l.Contains("threads:")), StringComparison.Ordinal);
        Assert.Contains("--set", lines.Single(l => l.Contains("core:")), StringComparison.Ordinal);
    }

    [Fact]
    public void Check_tells_every_error_of_every_file_and_exits_1()
    {
        using var place = new Workplace();
        place.Write("good.yaml", "{version: 1, extends: processes}");
        place.Write("bad.yaml", "version: 1\ncreation:\n  otherwise: EPREM\n  alow: []\n");
        Outcome good = Product.Call(place, "policy", "check", "good.yaml", "default", "permissive");
        Assert.Equal(0, good.Status);
        Assert.Equal(string.Empty, good.Out + good.Err);
        Outcome bad = Product.Call(place, "policy", "check", "bad.yaml", "good.yaml", "none.yaml");
        Assert.Equal(1, bad.Status);
        string[] lines = bad.Err.TrimEnd('\n').Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Equal(2, lines.Count(l => l.StartsWith("bad.yaml:", StringComparison.Ordinal)));
        Assert.Contains(lines, l => l.StartsWith("bad.yaml:3:14: ", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("bad.yaml:4:3: ", StringComparison.Ordinal)
            && l.EndsWith("did you mean allow?", StringComparison.Ordinal));
        Assert.Contains("none.yaml", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Check_warns_of_a_grant_without_a_reason()
    {
        using var place = new Workplace();
        place.Write("p.yaml", "version: 1\nextends: processes\ncreation:\n  allow: [CLONE_NEWUSER]\n");
        Outcome warned = Product.Call(place, "policy", "check", "p.yaml");
        Assert.Equal(0, warned.Status);
        Assert.StartsWith("p.yaml:4:11: warning: CLONE_NEWUSER ", warned.Err, StringComparison.Ordinal);
        place.Write("p.yaml",
            "version: 1\nextends: processes\ncreation:\n  because: tests\n  allow: [CLONE_NEWUSER]\n");
        Assert.Equal(string.Empty, Product.Call(place, "policy", "check", "p.yaml").Err);
    }

    [Fact]
    public void List_names_the_policies_that_ship()
    {
        using var place = new Workplace();
        string[] names = [.. Product.Call(place, "policy", "list").Out.TrimEnd('\n').Split('\n')
            .Select(l => l.Split(' ')[0])];
        Assert.Equal(["default", "build", "processes", "strict", "permissive"], names);
        Assert.All(names, n => Assert.Equal(0, Product.Call(place, "policy", "show", n).Status));
    }

    [Fact]
    public void Diff_says_what_each_allows_and_the_other_does_not()
    {
        using var place = new Workplace();
        place.Write("net.yaml", "version: 1\nextends: processes\ncreation: {allow: [CLONE_NEWNET]}\n");
        Outcome diff = Product.Call(place, "policy", "diff", "processes", "net.yaml");
        Assert.Equal(0, diff.Status);
        Assert.Equal(
            "net.yaml allows, and processes does not:\n  net.yaml:3:20: creation.allow: CLONE_NEWNET\n"
                + "processes allows nothing that net.yaml does not\n",
            diff.Out);
    }

    [Fact]
    public void Diff_refuses_a_wrong_policy_on_either_side()
    {
        using var place = new Workplace();
        place.Write("wrong.yaml", "version: 1\nnothing: 1\n");
        foreach (string[] pair in new string[][] { ["default", "wrong.yaml"], ["wrong.yaml", "default"] })
        {
            Outcome diff = Product.Call(place, ["policy", "diff", .. pair]);
            Assert.Equal(2, diff.Status);
            Assert.Contains("wrong.yaml:2:1: ", diff.Err, StringComparison.Ordinal);
            Assert.Equal(string.Empty, diff.Out);
        }
    }

    [Fact]
    public void The_schema_is_json_and_knows_the_keys()
    {
        using var place = new Workplace();
        JsonElement schema = JsonDocument.Parse(Product.Call(place, "policy", "schema").Out).RootElement;
        JsonElement keys = schema.GetProperty("properties");
        Assert.True(keys.GetProperty("creation").GetProperty("properties").TryGetProperty("require", out _));
        Assert.False(keys.TryGetProperty("domains", out _));
    }

    [Fact]
    public void The_filter_that_is_shown_depends_on_whether_denials_are_told()
    {
        using var place = new Workplace();
        string quiet = Filter(place, "processes");
        Outcome observed = Product.Call(place, "policy", "show", "--filter", "--observed", "processes");
        Assert.Equal(0, observed.Status);
        Assert.NotEqual(quiet, observed.Out);
        Assert.Contains("EPERM", quiet, StringComparison.Ordinal);
    }

    private static string Filter(Workplace place, string name)
    {
        Outcome shown = Product.Call(place, "policy", "show", "--filter", name);
        Assert.Equal(0, shown.Status);
        Assert.NotEqual(string.Empty, shown.Out);
        return shown.Out;
    }

    private static string WithoutComments(string text) => Comment().Replace(text, string.Empty);

    [GeneratedRegex("(^| +)# [^\"\n]*$", RegexOptions.Multiline)]
    private static partial Regex Comment();
}
