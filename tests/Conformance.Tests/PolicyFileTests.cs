using System;
using System.IO;
using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>Runs under policy files: layers, settings, and files that are wrong.</summary>
[Collection("programs")]
public sealed class PolicyFileTests
{
    [Fact]
    public void A_file_with_three_errors_tells_all_three_and_starts_nothing()
    {
        using var place = new Workplace();
        place.Write("wrong.yaml", """
            version: 1
            creation:
              allow: [CLONE_NEWNET, CLONE_NEWUSR]
              otherwise: EPREM
              limits: {tasks: none}
            """);
        Outcome run = Product.Run(place, ["-p", "wrong.yaml"], "sh", "-c", "echo ran; touch ran");
        Assert.Equal(2, run.Status);
        Assert.Equal(string.Empty, run.Out);
        Assert.False(File.Exists(place.File("ran")));
        string[] lines = run.Err.TrimEnd('\n').Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.StartsWith("sandbox: wrong.yaml:3:25: ", lines[0], StringComparison.Ordinal);
        Assert.Contains("CLONE_NEWUSER", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("sandbox: wrong.yaml:4:14: ", lines[1], StringComparison.Ordinal);
        Assert.Contains("EPERM", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("sandbox: wrong.yaml:5:19: ", lines[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("isolation: {landlock: on}", "landlock")]
    [InlineData("filesystem: {default: ro}", "mount namespace")]
    [InlineData("filesystem: {view: fuse}", "fuse")]
    [InlineData("domains: []", "domains")]
    [InlineData("resources: {memory: 2GB}", "memory")]
    [InlineData("degrade: [cgroups]", "degrade")]
    [InlineData("extends: nowhere.yaml", "nowhere.yaml")]
    [InlineData("extends: p.yaml", "extends itself")]
    [InlineData("creation: [", "p.yaml:")]
    [InlineData("creation: {allow: ['@fork'], allow: []}", "allow")]
    public void What_is_wrong_or_not_enforced_starts_nothing(string body, string named)
    {
        using var place = new Workplace();
        place.Write("p.yaml", "version: 1\n" + body + "\n");
        Outcome run = Product.Run(place, ["-p", "p.yaml"], "echo", "ran");
        Assert.Equal(2, run.Status);
        Assert.Equal(string.Empty, run.Out);
        Assert.StartsWith("sandbox: p.yaml:", run.Err, StringComparison.Ordinal);
        Assert.Contains(named, run.Err, StringComparison.Ordinal);
    }

    [Fact]
    public void Later_layers_and_settings_lie_over_earlier_ones()
    {
        using var place = new Workplace();
        place.Write("vfork.yaml", "{version: 1, creation: {deny: {'@vfork': EBUSY}}}");
        place.Write("again.yaml", "{version: 1, creation: {allow: ['@vfork']}}");
        Assert.Equal("EBUSY", Vfork(place, "-p", "processes", "-p", "vfork.yaml"));
        Assert.Equal("made", Vfork(place, "-p", "vfork.yaml", "-p", "processes"));
        Assert.Equal("made", Vfork(place, "-p", "processes", "-p", "vfork.yaml", "-p", "again.yaml"));
        Assert.Equal("made", Vfork(
            place, "-p", "processes", "-p", "vfork.yaml", "--set", "creation.allow=@vfork"));
        Assert.Equal("EIO", Vfork(
            place, "--set", "creation.entry.vfork=EIO", "-p", "processes", "-p", "again.yaml"));
    }

    [Fact]
    public void A_file_extends_another_by_a_path_relative_to_itself()
    {
        using var place = new Workplace();
        place.Write("a/top.yaml", "{version: 1, extends: ../b/middle.yaml}");
        place.Write("b/middle.yaml",
            "{version: 1, extends: base.yaml, creation: {deny: {'@vfork': EBUSY}}}");
        place.Write("b/base.yaml", "{version: 1, extends: processes}");
        place.Write("base.yaml", "{version: 1, extends: strict}");
        Assert.Equal("EBUSY", Vfork(place, "-p", "a/top.yaml"));
        Assert.Equal("EBUSY", Vfork(place, "-p", place.File("a/top.yaml")));
        File.Delete(place.File("b/base.yaml"));
        Outcome run = Product.Run(place, ["-p", "a/top.yaml"], "echo", "ran");
        Assert.Equal(2, run.Status);
        Assert.Contains("b/middle.yaml:1:23: ", run.Err, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_policy_the_default_holds()
    {
        using var place = new Workplace();
        string guest = Guests.Path("verdicts");
        string[] shown = ["-q", "--ro", guest, "--chdir", "/"];
        Outcome run = Product.Run(place, shown, guest, "raw");
        Assert.Equal(
            Product.Run(place, ["-p", "default", .. shown], guest, "raw").ToString(),
            run.ToString());
        Assert.Contains("user: EPERM", run.Out, StringComparison.Ordinal);
    }

    private static string Vfork(Workplace place, params string[] options)
    {
        Outcome run = Product.Run(place, ["-q", .. options], Guests.Path("verdicts"), "libc");
        Assert.True(run.Status == 0, run.ToString());
        string line = run.Out.Split('\n').Single(
            l => l.StartsWith("vfork: ", StringComparison.Ordinal));
        return line["vfork: ".Length..];
    }
}
