using System;
using System.Linq;
using Policies.Files;

namespace Policies.Tests;

/// <summary>The section filesystem: patterns, rules and their layers.</summary>
public sealed class FilesystemTests : IDisposable
{
    private const string Mounts = "version: 1\nisolation: {namespaces: [user, mount, pid]}\n";
    private readonly PolicyFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("/", "/")]
    [InlineData("//", "/")]
    [InlineData("/.", "/")]
    [InlineData("/tmp/", "/tmp")]
    [InlineData("//usr/./lib//x/.", "/usr/lib/x")]
    [InlineData(".", ".")]
    [InlineData("./", ".")]
    [InlineData("./.", ".")]
    [InlineData("./build/", "./build")]
    [InlineData("~", "~")]
    [InlineData("~/.cache", "~/.cache")]
    [InlineData("~//a/./b", "~/a/b")]
    [InlineData("/...", "/...")]
    [InlineData("/a..b", "/a..b")]
    [InlineData("/home/*/.ssh", "/home/*/.ssh")]
    [InlineData("/a?/[!a-z]*[[][]", null)]
    [InlineData("/a?/[!a-z]*[[]", "/a?/[!a-z]*[[]")]
    [InlineData("/a]b\\", "/a]b\\")]
    [InlineData("", null)]
    [InlineData("tmp", null)]
    [InlineData("~user", null)]
    [InlineData(".x", null)]
    [InlineData("..", null)]
    [InlineData("../x", null)]
    [InlineData("/a/..", null)]
    [InlineData("/a/../b", null)]
    [InlineData("~/..", null)]
    [InlineData("/a/**", null)]
    [InlineData("/a**b", null)]
    [InlineData("/a[", null)]
    [InlineData("/[]", null)]
    [InlineData("/[!]", null)]
    [InlineData("/[a/b]", null)]
    [InlineData("/a\nb", null)]
    [InlineData("/a\0", null)]
    public void A_pattern_has_one_normal_form_or_is_none(string text, string? normal)
    {
        Assert.Equal(normal, FilePattern.Normalise(text, out string? problem));
        Assert.Equal(normal is null, problem is not null);
        bool matches = System.Text.RegularExpressions.Regex.IsMatch(text, FilePattern.Expression);
        Assert.Equal(normal is not null, matches);
    }

    [Fact]
    public void A_pattern_has_a_greatest_length_in_characters()
    {
        Assert.NotNull(FilePattern.Normalise("/" + new string('a', 4095), out _));
        Assert.Null(FilePattern.Normalise("/" + new string('a', 4096), out _));
        string wide = string.Concat(Enumerable.Repeat("\U0001f600", 4095));
        Assert.NotNull(FilePattern.Normalise("/" + wide, out _));
    }

    [Theory]
    [InlineData("/a*b", "/a[*]b")]
    [InlineData("/[x]?", "/[[]x][?]")]
    [InlineData("/plain ]", "/plain ]")]
    public void A_path_is_quoted_into_the_pattern_for_it_alone(string path, string pattern)
    {
        Assert.Equal(pattern, FilePattern.Quote(path));
        Assert.Equal(pattern, FilePattern.Normalise(pattern, out _));
        Assert.Equal(path != pattern, FilePattern.HasGlob(pattern));
    }

    [Fact]
    public void Every_access_is_read_with_its_place_and_size()
    {
        FilesystemPolicy files = Texts.Valid(Mounts + """
            filesystem:
              view: mounts
              default: cow
              paths:
                /: ro
                .: rw
                '~': hide
                ~/.config/: deny
                ./out: cow
                /tmp: {access: tmpfs, size: 64M}
                /run: tmpfs
                /proc: proc
                /dev: {access: dev}
            """).Filesystem;
        Assert.Equal((FileView.Mounts, FileAccess.Cow), (files.View, files.Default!.Value.Value));
        Assert.Equal(
            [
                ("/", FileAccess.Ro, null, 7), (".", FileAccess.Rw, null, 8), ("~", FileAccess.Hide, null, 9),
                ("~/.config", FileAccess.Deny, null, 10), ("./out", FileAccess.Cow, null, 11),
                ("/tmp", FileAccess.Tmpfs, 64UL << 20, 12), ("/run", FileAccess.Tmpfs, null, 13),
                ("/proc", FileAccess.Proc, null, 14), ("/dev", FileAccess.Dev, null, 15),
            ],
            files.Paths.Select(p => (p.Pattern, p.Access, p.Size, p.Origin.Line)));
        Assert.All(files.Paths, p => Assert.Equal(5, p.Origin.Column));
    }

    [Fact]
    public void A_pattern_of_a_later_layer_replaces_the_same_and_stands_behind_the_others()
    {
        _folder.Write("a", Mounts + "filesystem: {default: ro, paths: {/a: rw, /b/: hide, /c: ro}}\n");
        _folder.Write("b", "version: 1\nfilesystem: {paths: {//b: rw, /d: ro}}\n");
        FilesystemPolicy files = _folder.Valid(
            ["a", "b"], ["filesystem.paths./a/.=deny", "filesystem.default=hide"]).Filesystem;
        Assert.Equal(
            [
                ("/c", FileAccess.Ro, "/a:3:54"), ("/b", FileAccess.Rw, "/b:2:22"),
                ("/d", FileAccess.Ro, "/b:2:31"), ("/a", FileAccess.Deny, "--set:1:18"),
            ],
            files.Paths.Select(p => (
                p.Pattern, p.Access, p.Origin.ToString().Replace(_folder.Path(""), ""))));
        Assert.Equal(FileAccess.Hide, files.Default!.Value.Value);
    }

    [Theory]
    [InlineData("filesystem.paths./tmp=tmpfs", "/tmp", FileAccess.Tmpfs)]
    [InlineData("filesystem.paths..=rw", ".", FileAccess.Rw)]
    [InlineData("filesystem.paths.~=hide", "~", FileAccess.Hide)]
    [InlineData("filesystem.paths.~/a.b=ro", "~/a.b", FileAccess.Ro)]
    [InlineData("filesystem.paths./a=b=ro", "/a=b", FileAccess.Ro)]
    public void A_setting_sets_one_path(string setting, string pattern, FileAccess access)
    {
        _folder.Write("a", Mounts + "filesystem: {default: ro}\n");
        PathRule rule = Assert.Single(_folder.Valid(["a"], [setting]).Filesystem.Paths);
        Assert.Equal((pattern, access), (rule.Pattern, rule.Access));
        Assert.Equal("--set:1:18", rule.Origin.ToString());
    }

    [Fact]
    public void Landlock_goes_with_the_file_view_unless_told()
    {
        const string files = "filesystem: {default: ro}\n";
        Assert.True(Texts.Valid(Mounts + files).UsesLandlock);
        Assert.False(Texts.Valid(Mounts).UsesLandlock);
        Assert.False(Texts.Valid(
            "version: 1\nisolation: {namespaces: [mount], landlock: off}\n" + files).UsesLandlock);
    }

    [Fact]
    public void Options_lie_over_settings()
    {
        _folder.Write("a", Mounts + "filesystem: {default: ro}\nisolation: {network: none}\n");
        _folder.Write("a", "version: 1\nisolation: {namespaces: [mount], network: none}\nfilesystem: {default: ro}\n");
        Policy policy = Texts.Valid(PolicyLoader.Load(
            [_folder.Path("a")], ["filesystem.paths./x=hide", "isolation.namespaces=mount,net"],
            [
                new("--net", 1, "isolation.network", null, "host"),
                new("--rw", 2, "filesystem.paths", "/x", "rw"),
            ]));
        Assert.Equal(NetworkAccess.Host, policy.Isolation.Network);
        PathRule rule = Assert.Single(policy.Filesystem.Paths);
        Assert.Equal((FileAccess.Rw, "--rw:2:1"), (rule.Access, rule.Origin.ToString()));
    }
}
