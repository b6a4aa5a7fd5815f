using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using Conformance.Harness;

namespace Conformance;

/// <summary>Copies of files: what a run changes in them, what is kept, and what is applied.</summary>
[Collection("programs")]
public sealed class IsolationCowTests
{
    private const int Refused = 1;

    public static TheoryData<Way> Ways => Isolated.Ways;

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void A_run_that_is_committed_leaves_what_it_would_have_left_by_itself(Way way)
    {
        using var kept = new KeptPlace(way);
        Fill(kept);
        string guest = kept.Place.Bring("copies", Guests.Path("copies"));
        Outcome copied = kept.Place.Native("cp", "-a", kept.Tree, kept.Place.File("native"));
        Assert.True(copied.Status == 0, copied.ToString());
        Outcome native = kept.Place.NativeGuest(guest, kept.Place.File("native"));
        string before = KeptPlace.State(kept.Tree);

        Outcome run = kept.Place.Run(
            [.. kept.Rules, "--keep", kept.Kept], guest, kept.Tree);
        Assert.True(run.Status == 0 && run.Err.Length == 0, run.ToString());
        Assert.DoesNotContain("E", native.Out.Replace("EXDEV", "", StringComparison.Ordinal), StringComparison.Ordinal);

        // A directory of the lower layer is moved by copying: mv(1) does that by itself.
        Assert.Equal(
            native.Out.Replace(
                "an old directory: done\n", "an old directory: done\ncopy an old directory: done\n",
                StringComparison.Ordinal), run.Out);
        Assert.Equal(before, KeptPlace.State(kept.Tree));
        string[] changes = kept.Changes();
        foreach (string line in new[]
        {
            "created   created", "modified  appended", "modified  truncated", "modified  extended",
            "modified  over", "modified  mapped", "deleted   renamed", "created   renamed.new",
            "modified  target", "deleted   upon", "created   made.new/", "created   tree/moved",
            "deleted   olddir/", "created   newdir/", "created   linked.too", "deleted   removed",
            "deleted   goner/", "opaque    anew/", "deleted   anew/a", "created   anew/b",
            "modified  refile", "type      turned (directory -> file)",
            "type      turning/ (file -> directory)", "metadata  mode (mode 0644 -> 0640)",
            "metadata  tree/ (mode 0755 -> 0750)", "metadata  time (time)", "modified  oldlink",
            @"created   -\\x\x0a\xff", "deleted   tree/sub/x",
        })
        {
            Assert.Contains(line, changes);
        }

        Outcome commit = kept.Commit();
        Assert.True(commit.Status == 0, commit.ToString());
        Assert.Equal(KeptPlace.State(kept.Place.File("native")), KeptPlace.State(kept.Tree));
        Assert.Equal(
            new DateTime(2001, 9, 9, 1, 46, 40, DateTimeKind.Utc),
            File.GetLastWriteTimeUtc(Path.Combine(kept.Tree, "time")));

        Outcome again = kept.Commit();
        Assert.Equal(Refused, again.Status);
        Assert.Contains("they were applied at ", again.Err, StringComparison.Ordinal);

        // A file that cannot be read may be another.
        Assert.All(kept.Changes(), line => Assert.Equal("modified  closed", line));
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void A_good_run_commits_at_its_end_and_a_bad_one_does_not(Way way)
    {
        using var kept = new KeptPlace(way);
        kept.Write("a", "host");
        string result = kept.Place.File("result.json");
        string[] options = [.. kept.Rules, "--commit", "--result", result];
        Outcome bad = kept.Place.Run(options, "sh", "-c", "echo bad > tree/a; exit 3");
        Assert.True(bad.Status == 3, bad.ToString());
        Assert.Equal(("none", 0), CommitOf(result));
        Assert.Equal("host", File.ReadAllText(Path.Combine(kept.Tree, "a")));

        Outcome died = kept.Place.Run(options, "sh", "-c", "echo bad > tree/a; kill -9 $$");
        Assert.True(died.Status == 137, died.ToString());
        Assert.Equal("host", File.ReadAllText(Path.Combine(kept.Tree, "a")));

        Outcome good = kept.Place.Run(options, "sh", "-c", "echo good > tree/a; > tree/b");
        Assert.True(good is { Status: 0, Err: "" }, good.ToString());
        Assert.Equal(("applied", 2), CommitOf(result));
        Assert.Equal("good\n", File.ReadAllText(Path.Combine(kept.Tree, "a")));

        // Without -q it says so; and nothing is left of where it was kept meanwhile.
        string[] line = kept.Place.Line(options, "sh", "-c", "> tree/c");
        Outcome said = Shell.Run(kept.Place.Path, null, [.. line.Where(word => word != "-q")]);
        Assert.Equal((0, "sandbox: --commit: 1 changes applied\n"), (said.Status, said.Err));
        Assert.Empty(Directory.GetFileSystemEntries(kept.Place.Path, "sandbox-*"));
        Outcome nothing = kept.Place.Run(options, "sh", "-c", "cat tree/a");
        Assert.True(nothing is { Status: 0, Out: "good\n" }, nothing.ToString());
        Assert.Equal(("applied", 0), CommitOf(result));
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void What_others_changed_meanwhile_is_a_conflict_and_nothing_is_applied(Way way)
    {
        foreach ((string guest, string host, string said) in new[]
        {
            ("echo 1 > a", "echo 2 > a", "/tree/a: it has changed since the run began"),
            ("echo 1 > a", "touch a", "/tree/a: it has changed"),
            ("echo 1 > a", "rm a", "/tree/a: it has gone since"),
            ("echo 1 > new", "echo 2 > new", "/tree/new: it has changed"),
            ("rm a", "echo 2 > a", "/tree/a: it has changed"),
            ("rm -r d", "echo 2 > d/new", "/tree/d/: d has changed since"),
            ("rm -r d", "chmod 700 d/x", "/tree/d/: d/x has changed"),
            ("rm -r d; mkdir d", "echo 2 > d/x", "/tree/d/x: it has changed"),
            ("rm -r d; > d", "echo 2 > d/x", "/tree/d: d/x has changed"),
            ("echo 1 > d/x", "rm -r d", "/tree/d/: it has gone since"),
            ("echo 1 > d/y", "rm -r d; > d", "/tree/d/: it has changed since"),
            ("ln -sf b l", "ln -sf c l", "/tree/l: it has changed since"),
        })
        {
            using var kept = new KeptPlace(way);
            kept.Write("a", "host");
            kept.Write("d/x", "host");
            File.CreateSymbolicLink(Path.Combine(kept.Tree, "l"), "a");
            Outcome run = kept.Keep($"echo more > other; {guest}");
            Assert.True(run.Status == 0, run.ToString());
            Shell.Run(kept.Tree, null, "sh", "-c", host);
            string before = KeptPlace.State(kept.Tree);
            Outcome commit = kept.Commit();
            Assert.True(commit.Status == Refused, $"{guest}, {host}: {commit}");
            Assert.Contains("nothing was applied", commit.Err, StringComparison.Ordinal);
            Assert.Contains(said, commit.Err, StringComparison.Ordinal);
            Assert.Equal(before, KeptPlace.State(kept.Tree));
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void What_others_changed_elsewhere_is_none(Way way)
    {
        using var kept = new KeptPlace(way);
        kept.Write("a", "host");
        kept.Write("b", "host");
        Outcome run = kept.Keep("echo 1 > a; mkdir n; echo 1 > n/f; mv a c");
        Assert.True(run.Status == 0, run.ToString());
        File.WriteAllText(Path.Combine(kept.Tree, "b"), "changed");
        Outcome commit = kept.Commit();
        Assert.True(commit.Status == 0, commit.ToString());
        Assert.Equal(
            ["b", "c", "n"],
            Directory.GetFileSystemEntries(kept.Tree).Select(Path.GetFileName).Order());
        Assert.Equal("changed", File.ReadAllText(Path.Combine(kept.Tree, "b")));
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void A_run_goes_on_where_an_earlier_one_ended(Way way)
    {
        using var kept = new KeptPlace(way);
        kept.Write("a", "host");
        Assert.Equal(0, kept.Keep("echo 1 >> a; echo 1 > b").Status);
        Outcome second = kept.Keep("cat a b; rm b; echo 2 >> a");
        Assert.Equal("host1\n1\n", second.Out);
        Assert.Equal(["modified  a"], kept.Changes());
        Assert.Equal(0, kept.Commit().Status);
        Assert.Equal("host1\n2\n", File.ReadAllText(Path.Combine(kept.Tree, "a")));
        Outcome third = kept.Keep("true");
        Assert.Equal(125, third.Status);
        Assert.Contains("its changes were applied at", third.Err, StringComparison.Ordinal);
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void The_changes_are_one_JSON_object(Way way)
    {
        using var kept = new KeptPlace(way);
        kept.Write("a", "host");
        Assert.Equal(0, kept.Keep("echo 1 > \"$(printf 'x\\377')\"; rm a").Status);
        using var json = JsonDocument.Parse(kept.Place.Call("changes", "--json", kept.Kept).Out);
        Assert.Equal(1, json.RootElement.GetProperty("version").GetInt32());
        Assert.Equal(3, json.RootElement.GetProperty("command").GetArrayLength());
        JsonElement[] all = [.. json.RootElement.GetProperty("changes").EnumerateArray()];
        Assert.Equal(
            [("deleted", "a"), ("created", @"x\xff")],
            all.Select(c => (c.GetProperty("kind").GetString(), c.GetProperty("path").GetString())));
        Assert.Equal(kept.Tree, all[0].GetProperty("root").GetString());
        Assert.Equal(4, all[0].GetProperty("real").GetProperty("size").GetInt64());
        Assert.Equal([(byte)'x', 255], all[1].GetProperty("path_bytes").GetBytesFromBase64());
        Assert.Equal("file", all[1].GetProperty("now").GetProperty("type").GetString());
    }

    private static (string? State, int Changes) CommitOf(string result)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(result));
        JsonElement commit = json.RootElement.GetProperty("commit");
        return (commit.GetProperty("state").GetString(), commit.GetProperty("changes").GetInt32());
    }

    private static void Fill(KeptPlace kept)
    {
        foreach (string name in new[]
        {
            "appended", "truncated", "extended", "over", "fresh", "renamed", "upon", "target",
            "moved", "olddir/f", "olddir/g/h", "linked", "removed", "goner/a", "goner/b/c", "anew/a",
            "refile", "turned/x", "turning", "mode", "tree/sub/x", "time", "same",
        })
        {
            kept.Write(name, $"host {name}");
        }

        kept.Write("mapped", new string('m', 5000));
        File.CreateSymbolicLink(Path.Combine(kept.Tree, "oldlink"), "same");
    }
}
