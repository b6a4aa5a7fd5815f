using System;
using System.IO;
using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// Where kept changes lie, what guests can do to them, and what hostile ones leave in them.
/// </summary>
[Collection("programs")]
public sealed class IsolationKeptTests
{
    private const int Refused = 1;
    private const int Setup = 125;

    public static TheoryData<Way> Ways => Isolated.Ways;

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Guests_neither_see_nor_reach_where_it_is_kept(Way way)
    {
        using var kept = new KeptPlace(way, ", ./out: rw");
        Directory.CreateDirectory(kept.Place.File("out"));
        kept.Write("a", "host");
        Outcome run = kept.Keep(
            $"echo 1 > a; ls -A {kept.Kept} | wc -l; echo x > {kept.Kept}/0/upper/evil; "
                + $"cat {kept.Kept}/manifest.json; ls -A . ; ls /proc/self/fd | wc -l");
        Assert.Equal("0\na\n4\n", run.Out);
        Assert.Equal(["modified  a"], kept.Changes());
        Assert.Equal((UnixFileMode)0x1c0, File.GetUnixFileMode(kept.Kept));

        // Inside of what guests can write it is refused, by whichever name.
        kept.Place.Native("mkdir", "out/sub");
        File.CreateSymbolicLink(kept.Place.File("alias"), kept.Place.File("out/sub"));
        if (way == Way.Root)
        {
            Shell.Run(kept.Place.Path, null, "chown", "-R", "0:0", "out", "tree");
        }

        foreach (string at in new[] { "out/k", "out/sub/k", "tree/k", "alias/k", "out" })
        {
            Outcome refused = kept.Place.Call(
                ["run", .. kept.Rules, "--keep", kept.Place.File(at), "--", "echo", "ran"]);
            Assert.True(refused is { Status: Setup, Out: "" }, refused.ToString());
            Assert.Contains("guests could write to it there", refused.Err, StringComparison.Ordinal);
            Assert.Equal(at == "out", Directory.Exists(kept.Place.File(at)));
        }

        Assert.Equal(["sub"], Directory.GetFileSystemEntries(kept.Place.File("out"))
            .Select(Path.GetFileName));
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void A_directory_that_is_of_something_else_is_refused(Way way)
    {
        using var kept = new KeptPlace(way);
        Assert.Equal(0, kept.Keep("echo 1 > a").Status);
        string other = kept.Place.File("other/file");
        kept.Place.Native("sh", "-c", "mkdir other && echo x > other/file");
        Outcome full = kept.Place.Call(
            ["run", .. kept.Rules, "--keep", Path.GetDirectoryName(other)!, "--", "echo", "ran"]);
        Assert.True(full is { Status: Setup, Out: "" }, full.ToString());
        Assert.Contains("ENOTEMPTY", full.Err, StringComparison.Ordinal);
        Outcome wrong = kept.Place.Call(
            ["run", .. kept.Rules, "--cow", kept.Place.File("home"), "--keep", kept.Kept, "--",
                "echo", "ran"]);
        Assert.True(wrong is { Status: Setup, Out: "" }, wrong.ToString());
        Assert.Contains("other 'cow' paths", wrong.Err, StringComparison.Ordinal);
        Outcome none = kept.Place.Call(
            ["run", "-p", "permissive", "--keep", kept.Kept + "2", "--", "echo", "ran"]);
        Assert.True(none is { Status: 2, Out: "" }, none.ToString());
        Assert.Contains("a path that is cow", none.Err, StringComparison.Ordinal);
        Assert.False(Directory.Exists(kept.Kept + "2"));
        foreach (string command in new[] { "changes", "commit" })
        {
            Outcome not = kept.Place.Call(command, Path.GetDirectoryName(other)!);
            Assert.True(not is { Status: Setup, Out: "" }, not.ToString());
            Assert.Contains("no manifest.json", not.Err, StringComparison.Ordinal);
        }

        File.WriteAllText(Path.Combine(kept.Kept, "manifest.json"), "{\"version\": 2}");
        Assert.Contains(
            "manifest.json is none of this version", kept.Place.Call("changes", kept.Kept).Err,
            StringComparison.Ordinal);
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void While_a_run_goes_on_nobody_else_uses_it(Way way)
    {
        using var kept = new KeptPlace(way);
        Assert.Equal(0, kept.Keep("true").Status);
        string go = kept.Place.File("go");
        string[] line = kept.Place.Line(
            [.. kept.Rules, "--keep", kept.Kept], "sh", "-c",
            "echo up; while ! [ -e go ]; do sleep 0.05; done");
        using System.Diagnostics.Process run = Shell.Start(kept.Place.Path, line);
        Assert.Equal("up", run.StandardOutput.ReadLine());
        foreach (string command in new[] { "changes", "commit" })
        {
            Outcome busy = kept.Place.Call(command, kept.Kept);
            Assert.True(busy.Status == Setup, busy.ToString());
            Assert.Contains("EBUSY", busy.Err, StringComparison.Ordinal);
        }

        File.WriteAllText(go, "");
        Assert.True(run.WaitForExit(Shell.Patience));
        Assert.Equal(0, run.ExitCode);
        Assert.Empty(kept.Changes());
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Types_that_are_never_applied_are_named(Way way)
    {
        foreach ((string make, string kind) in new[]
        {
            ("mkfifo bad", "fifo"), ("mkfifo d/bad", "fifo"), ("rm a; mkfifo a", "fifo"),
            ("perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => \"bad\", Listen => 1)'",
                "socket"),
        })
        {
            using var kept = new KeptPlace(way);
            kept.Write("a", "host");
            kept.Write("d/x", "host");
            Assert.Equal(0, kept.Keep($"echo 1 > d/x; {make}").Status);
            string before = KeptPlace.State(kept.Tree);
            Assert.Contains(kept.Changes(), line => line.Contains(kind, StringComparison.Ordinal));
            Outcome commit = kept.Commit();
            Assert.True(commit.Status == Refused, commit.ToString());
            Assert.Contains(
                $"it is a {kind}, which is never applied", commit.Err, StringComparison.Ordinal);
            Assert.Equal(before, KeptPlace.State(kept.Tree));
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void No_run_gives_a_file_the_rights_of_its_owner(Way way)
    {
        using var kept = new KeptPlace(way);
        kept.Write("had", "host");
        kept.Write("lost", "host");
        kept.Place.GiveAway();
        File.SetUnixFileMode(Path.Combine(kept.Tree, "had"), (UnixFileMode)0x9ed);
        File.SetUnixFileMode(Path.Combine(kept.Tree, "lost"), (UnixFileMode)0x9ed);
        Outcome run = kept.Place.Call(
            ["run", "-q", .. kept.Rules, "--set", "isolation.set_id=allow", "--keep", kept.Kept, "--", "sh", "-c",
                "cd tree; > new; chmod 6755 new; touch had; echo x >> lost; chmod 4755 lost; "
                    + "mkdir dir; chmod 4755 dir"]);
        Assert.True(run.Status == 0, run.ToString());
        Assert.Equal(0, kept.Commit().Status);
        Assert.Equal((UnixFileMode)0x1ed, File.GetUnixFileMode(Path.Combine(kept.Tree, "new")));
        Assert.Equal((UnixFileMode)0x1ed, File.GetUnixFileMode(Path.Combine(kept.Tree, "lost")));
        Assert.Equal((UnixFileMode)0x1ed, File.GetUnixFileMode(Path.Combine(kept.Tree, "dir")));
        Assert.Equal((UnixFileMode)0x9ed, File.GetUnixFileMode(Path.Combine(kept.Tree, "had")));
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void No_link_in_either_tree_is_followed(Way way)
    {
        using var kept = new KeptPlace(way);
        kept.Write("d/x", "host");
        string outside = kept.Place.Write("outside/x", "untouched");
        Assert.Equal(0, kept.Keep("echo 1 > d/x; echo 2 > d/new; ln -s ../outside s").Status);

        // The real directory becomes a link to elsewhere: as good as gone.
        Directory.Move(Path.Combine(kept.Tree, "d"), Path.Combine(kept.Tree, "was"));
        File.CreateSymbolicLink(Path.Combine(kept.Tree, "d"), "../outside");
        Outcome commit = kept.Commit();
        Assert.True(commit.Status == Refused, commit.ToString());
        Assert.Equal("untouched", File.ReadAllText(outside));

        // What was kept is a link where a directory was: it is applied as one, or not at all.
        File.Delete(Path.Combine(kept.Tree, "d"));
        Directory.Delete(Path.Combine(kept.Upper, "d"), recursive: true);
        File.CreateSymbolicLink(Path.Combine(kept.Upper, "d"), "../outside");
        Shell.Run(
            "/", null, "chown", "-h", $"--reference={kept.Upper}", Path.Combine(kept.Upper, "d"));
        commit = kept.Commit();
        Assert.True(commit.Status == 0, commit.ToString());
        Assert.Equal("../outside", new FileInfo(Path.Combine(kept.Tree, "d")).LinkTarget);
        Assert.Equal("untouched", File.ReadAllText(outside));
        Assert.Single(Directory.GetFileSystemEntries(Path.GetDirectoryName(outside)!));
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void A_failure_is_undone_and_leaves_nothing(Way way)
    {
        using var kept = new KeptPlace(way);
        kept.Write("a", "host");
        kept.Write("z/x", "host");
        Assert.Equal(0, kept.Keep("echo 1 > a; mkdir b; echo 1 > b/f; echo 2 > z/x").Status);

        // Root writes to directories that forbid it, but not to those that nobody may change.
        string z = Path.Combine(kept.Tree, "z");
        bool isRoot = way != Way.Rootless;
        Outcome closed = Shell.Run(
            "/", null, isRoot ? ["chattr", "+i", z] : ["chmod", "a-w", z]);
        Assert.True(closed.Status == 0, closed.ToString());
        try
        {
            string before = KeptPlace.State(kept.Tree);
            Outcome commit = kept.Commit();
            Assert.True(commit.Status == Setup, commit.ToString());
            Assert.Contains("nothing was applied", commit.Err, StringComparison.Ordinal);
            Assert.Contains(isRoot ? "EPERM" : "EACCES", commit.Err, StringComparison.Ordinal);
            Assert.Equal(before, KeptPlace.State(kept.Tree));
        }
        finally
        {
            Shell.Run("/", null, isRoot ? ["chattr", "-i", z] : ["chmod", "u+w", z]);
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void A_tree_deeper_than_any_path_is_refused_and_can_be_thrown_away(Way way)
    {
        using var kept = new KeptPlace(way);
        const string deep = "perl -e 'for (1..1500) { mkdir \"dddddddd\" or die; chdir \"dddddddd\" or die }'";
        Outcome run = kept.Keep(deep, "--commit");
        Assert.True(run.Status == Setup, run.ToString());
        Assert.Contains("ENAMETOOLONG", run.Err, StringComparison.Ordinal);
        Outcome thrown = kept.Place.Call(
            ["run", "-q", .. kept.Rules, "--commit", "--", "sh", "-c", $"cd tree && {deep}; exit 3"]);
        Assert.True(thrown.Status == 3, thrown.ToString());
        Assert.Empty(Directory.GetFileSystemEntries(kept.Place.Path, "sandbox-*"));
        Assert.Empty(Directory.GetFileSystemEntries(kept.Tree));
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void By_default_the_whole_tree_is_a_copy(Way way)
    {
        using var kept = new KeptPlace(way);
        kept.Write("a", "host");
        string policy = kept.Place.Policy(
            "{default: cow, paths: {./out: rw, ./secret: hide}}");
        kept.Place.Write("out/f", "host");
        kept.Place.Write("secret/f", Isolated.Secret);
        Outcome run = kept.Place.Run(
            ["-p", policy],
            "sh", "-c",
            "echo 1 > tree/a; echo 1 > out/f; cat secret/f; > /new; echo $?; > /dev/null && ls /sys "
                + ">/dev/null && test -d /proc/self && cat tree/a && rm -r tree && ls");
        Assert.Equal(0, run.Status);
        Assert.StartsWith("2\n1\n", run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("tree", run.Out, StringComparison.Ordinal);
        Assert.Equal("host", File.ReadAllText(Path.Combine(kept.Tree, "a")));
        Assert.Equal("1\n", File.ReadAllText(kept.Place.File("out/f")));
    }

    [NamespacesFact]
    public void Without_root_mounts_below_a_copy_end_the_run_with_a_word()
    {
        using var place = new Isolated(Way.Rootless);
        Outcome run = place.Run(
            ["-p", place.Policy("{default: ro, paths: {/dev: cow}}")], "echo", "ran");
        Assert.True(run is { Status: Setup, Out: "" }, run.ToString());
        Assert.Contains("/dev/pts is mounted below it", run.Err, StringComparison.Ordinal);
    }
}
