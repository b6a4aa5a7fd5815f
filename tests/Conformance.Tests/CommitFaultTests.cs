using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// Commits that are killed, or fail, at each call that they make: strace(1) does it at the call's
/// entry. Afterwards the tree is as before or as it was to be, and nothing lies beside it.
/// </summary>
[Collection("programs")]
public sealed class CommitFaultTests
{
    private const int Setup = 125;
    private const int Killed = 137;
    private const int Most = 200;

    private const string Change =
        "echo new > a; echo more >> d/x; rm gone; rm -r goner; mkdir -p n/m; echo 1 > n/m/f; "
            + "ln -s a link; rm -r turned; echo file > turned; chmod 700 mode; mv moved d/moved; "
            + "rm -r anew; mkdir anew; echo 1 > anew/b";

    public static TheoryData<Way, string> Calls
    {
        get
        {
            var data = new TheoryData<Way, string>();
            foreach (string call in new[]
            {
                "renameat2", "unlinkat", "mkdirat", "symlinkat", "fsync", "fchmod", "copy_file_range",
            })
            {
                data.Add(Host.IsRoot ? Way.KeptRoot : Way.Rootless, call);
            }

            return data;
        }
    }

    [NeedsTheory("strace", "true")]
    [MemberData(nameof(Calls))]
    public void One_that_is_killed_is_finished_by_the_next(Way way, string call)
    {
        int killed = 0;
        bool ended = false;
        for (int i = 1; !ended && i < Most; i++)
        {
            using var kept = new KeptPlace(way);
            string wanted = Prepare(kept);
            Dictionary<string, string> old = Contents(kept.Tree);
            Outcome first = Injected(kept, $"inject={call}:signal=SIGKILL:when={i}");
            ended = first.Status == 0;
            Assert.True(ended || first.Status == Killed, $"{call} {i}: {first}");
            killed += ended ? 0 : 1;

            // Each file is as it was, or as it shall be; never between.
            foreach ((string name, string text) in Contents(kept.Tree))
            {
                Assert.True(
                    text == old.GetValueOrDefault(name) || text == New(name), $"{name}: {text}");
            }

            if (!ended)
            {
                if (File.Exists(Path.Combine(kept.Kept, "commit.journal")))
                {
                    Outcome listed = kept.Place.Call("changes", kept.Kept);
                    Assert.True(listed.Status == Setup, listed.ToString());
                    Assert.Contains("'sandbox commit' finishes it", listed.Err);
                    Outcome run = kept.Keep("true");
                    Assert.True(run.Status == Setup, run.ToString());
                }

                // It may have been killed when all was done, and that noted.
                Outcome second = kept.Commit();
                Assert.True(
                    second.Status == 0 || second.Err.Contains("they were applied at"),
                    $"{call} {i}: {second}");
            }

            Assert.Equal(wanted, KeptPlace.State(kept.Tree));
            Assert.False(File.Exists(Path.Combine(kept.Kept, "commit.journal")));
            Assert.Empty(Left(kept.Tree));
        }

        Assert.True(ended && killed > 0, $"{call}: {killed}");
    }

    [NeedsTheory("strace", "true")]
    [MemberData(nameof(Calls))]
    public void One_that_fails_is_undone_or_says_what_is_not(Way way, string call)
    {
        int failed = 0;
        bool ended = false;
        for (int i = 1; !ended && i < Most; i++)
        {
            using var kept = new KeptPlace(way);
            string wanted = Prepare(kept);
            string before = KeptPlace.State(kept.Tree);
            Outcome first = Injected(kept, $"inject={call}:error=ENOSPC:when={i}");
            ended = first.Err.Contains(" changes applied\n");
            failed += ended ? 0 : 1;
            if (first.Err.Contains("left behind"))
            {
                Assert.Equal(0, kept.Commit().Status);
            }

            string now = KeptPlace.State(kept.Tree);
            if (first.Status == 0)
            {
                Assert.Equal(wanted, now);
                continue;
            }

            // Failures at the journal itself leave it to the next.
            Assert.True(first.Status == Setup, $"{call} {i}: {first}");
            Assert.Contains("ENOSPC", first.Err);
            bool isUndone = now == before;
            Assert.True(isUndone || now == wanted || Left(kept.Tree).Length > 0, first.ToString());
            if (isUndone && first.Err.Contains("nothing was applied"))
            {
                Assert.Empty(Left(kept.Tree));
            }
        }

        Assert.True(ended, $"{call}: {failed}");
    }

    [NeedsFact("strace", namespaces: true)]
    public void What_can_neither_go_on_nor_back_is_named_and_finished_later()
    {
        int partial = 0;
        for (int i = 4; i < 9; i++)
        {
            using var kept = new KeptPlace(Isolated.AllWays[^1]);
            string wanted = Prepare(kept);
            Outcome first = Injected(kept, $"inject=renameat2:error=EIO:when={i}+");
            Assert.True(first.Status == Setup, first.ToString());
            Assert.Contains("could not be undone", first.Err);
            Assert.Contains("applied and not undone: ", first.Err);
            partial++;
            Outcome second = kept.Commit();
            Assert.True(second.Status == 0, second.ToString());
            Assert.Equal(wanted, KeptPlace.State(kept.Tree));
            Assert.Empty(Left(kept.Tree));
        }

        Assert.Equal(5, partial);
    }

    [NeedsFact("strace", namespaces: true)]
    public void What_others_change_before_a_killed_one_is_finished_is_kept()
    {
        using var kept = new KeptPlace(Isolated.AllWays[^1]);
        Prepare(kept);
        Outcome first = Injected(kept, "inject=renameat2:signal=SIGKILL:when=4");
        Assert.True(first.Status == Killed, first.ToString());
        File.WriteAllText(Path.Combine(kept.Tree, "turned", "x"), "changed by others");
        File.WriteAllText(Path.Combine(kept.Tree, "gone"), "changed by others");
        Outcome second = kept.Commit();
        Assert.True(second.Status == Setup, second.ToString());
        Assert.Contains("replace what changed meanwhile at", second.Err);
        Assert.Contains("nothing was applied", second.Err);
        Assert.Equal("changed by others", File.ReadAllText(Path.Combine(kept.Tree, "gone")));
        Assert.Equal("old\n", File.ReadAllText(Path.Combine(kept.Tree, "a")));
        Assert.Empty(Left(kept.Tree));
    }

    [NamespacesTheory]
    [MemberData(nameof(Isolated.Ways), MemberType = typeof(Isolated))]
    public void What_a_run_kept_for_its_commit_is_removed_when_nobody_lives_that_would(Way way)
    {
        using var kept = new KeptPlace(way);
        kept.Write("a", "old\n");
        string[] line = kept.Place.Line(
            [.. kept.Rules, "--commit"], "sh", "-c", "echo new > tree/a; echo up; sleep 60");
        using Process run = Shell.Start(kept.Place.Path, line);
        Assert.Equal("up", run.StandardOutput.ReadLine());
        string place = Assert.Single(
            Directory.GetDirectories(kept.Place.Path, "sandbox-*"));
        int helper = Assert.Single(Helpers(place));

        // It is in use as long as one of the two lives.
        foreach (int pid in new[] { 0, run.Id })
        {
            if (pid != 0)
            {
                Shell.Run("/", null, "kill", "-STOP", $"{helper}");
                run.Kill();
                run.WaitForExit();
            }

            Outcome none = kept.Place.Call("gc");
            Assert.DoesNotContain(place, none.Out + none.Err);
            Assert.True(Directory.Exists(place));
        }

        Shell.Run("/", null, "kill", "-KILL", $"{helper}");
        for (int i = 0; i < 200 && Helpers(place).Length > 0; i++)
        {
            System.Threading.Thread.Sleep(10);
        }

        Assert.Contains($"would remove {place}\n", kept.Place.Call("gc", "-n").Out);
        Outcome gc = kept.Place.Call("gc");
        Assert.Contains($"removed {place}\n", gc.Out);
        Assert.False(Directory.Exists(place));
        Assert.Equal("old\n", File.ReadAllText(Path.Combine(kept.Tree, "a")));
    }

    private static int[] Helpers(string place) =>
    [
        .. Directory.GetDirectories("/proc").Select(Path.GetFileName)
            .Where(name => int.TryParse(name, out _) && IsHelper(name!, place)).Select(int.Parse!),
    ];

    private static bool IsHelper(string pid, string place)
    {
        try
        {
            string line = File.ReadAllText($"/proc/{pid}/cmdline");
            return line.Contains(place) && line.Contains("--helper");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Fills the tree and runs the changes; gives the state that it shall come to.</summary>
    private static string Prepare(KeptPlace kept)
    {
        foreach (string name in new[]
        {
            "a", "d/x", "gone", "goner/f", "turned/x", "moved", "mode/f", "anew/a",
        })
        {
            kept.Write(name, "old\n");
        }

        kept.Place.GiveAway();
        Outcome copied = kept.Place.Native("cp", "-a", kept.Tree, kept.Place.File("native"));
        Assert.True(copied.Status == 0, copied.ToString());
        Outcome native = kept.Place.Native("sh", "-c", $"cd native && {Change}");
        Assert.True(native.Status == 0, native.ToString());
        Outcome run = kept.Keep(Change);
        Assert.True(run.Status == 0 && run.Err.Length == 0, run.ToString());
        return KeptPlace.State(kept.Place.File("native"));
    }

    private static Outcome Injected(KeptPlace kept, string how) => kept.Place.CallBehind(
        ["strace", "-qq", "-o", "/dev/null", "-e", "signal=none", "-e", how], "commit", kept.Kept);

    private static string New(string name) => name switch
    {
        "a" => "new\n",
        "d/x" => "old\nmore\n",
        "turned" => "file\n",
        "n/m/f" or "anew/b" => "1\n",
        _ => "old\n",
    };

    /// <summary>The content of each file under a name of its own.</summary>
    private static Dictionary<string, string> Contents(string tree) => Directory
        .EnumerateFiles(tree, "*", SearchOption.AllDirectories)
        .Where(path => !path.Contains(".sandbox-commit-") && !File.GetAttributes(path).HasFlag(
            FileAttributes.ReparsePoint))
        .ToDictionary(path => Path.GetRelativePath(tree, path), File.ReadAllText);

    private static string[] Left(string tree) => Directory.GetFileSystemEntries(
        tree, ".sandbox-commit-*", SearchOption.AllDirectories);
}
