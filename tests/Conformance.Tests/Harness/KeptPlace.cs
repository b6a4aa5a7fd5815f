using System;
using System.IO;
using System.Linq;

namespace Conformance.Harness;

/// <summary>
/// A test of copies: a directory <c>tree</c> that is one in the run, and a place outside the
/// test's own directory, where what is kept goes.
/// </summary>
internal sealed class KeptPlace : IDisposable
{
    private readonly Workplace _outside = new();
    private bool _isGiven;

    public KeptPlace(Way way, string rules = "")
    {
        Place = new(way);
        Rules = ["-p", Place.Policy($"{{default: ro, paths: {{./tree: cow{rules}}}}}")];
        File.SetUnixFileMode(_outside.Path, (UnixFileMode)0x1c0);
        if (way == Way.Rootless && Host.IsRoot)
        {
            Shell.Run("/", null, "chown", $"{Isolated.Nobody}:{Isolated.Nobody}", _outside.Path);
        }

        Directory.CreateDirectory(Tree);
    }

    public Isolated Place { get; }

    /// <summary>The options of the policy.</summary>
    public string[] Rules { get; }

    /// <summary>The real tree.</summary>
    public string Tree => Place.File("tree");

    /// <summary>What is given to <c>--keep</c>.</summary>
    public string Kept => _outside.File("kept");

    /// <summary>Where the first tree's changes are.</summary>
    public string Upper => Path.Combine(Kept, "0", "upper");

    public string Write(string name, string text) => Place.Write($"tree/{name}", text);

    /// <summary>Runs a shell command in the tree, and keeps what it changes.</summary>
    public Outcome Keep(string script, params string[] options) =>
        KeepOf(options, "sh", "-c", $"cd tree && {script}");

    /// <summary>Runs a command and keeps what it changes.</summary>
    public Outcome KeepOf(string[] options, params string[] command)
    {
        if (!_isGiven)
        {
            // Once, for a change of owner is a change.
            Place.GiveAway();
            _isGiven = true;
        }

        return Place.Call(
            ["run", "-q", .. Rules, "--keep", Kept, .. options, "--", .. command]);
    }

    /// <summary>Lines of <c>sandbox changes</c>: kind and path in the tree.</summary>
    public string[] Changes()
    {
        Outcome listed = Place.Call("changes", Kept);
        Assert.True(listed.Status == 0, listed.ToString());
        string[] lines = listed.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal($"{lines.Length - 1} changes", lines[^1]);
        string start = Tree.TrimEnd('/') + "/";
        return [.. lines[..^1].Select(line => line.Replace(start, "", StringComparison.Ordinal))];
    }

    public Outcome Commit() => Place.Call("commit", Kept);

    /// <summary>All of a tree: types, modes, links, names and content.</summary>
    public static string State(string tree)
    {
        Outcome files = Shell.Run(
            tree, null, "sh", "-c",
            "find . -printf '%y %m %n %l %p\\n' | LC_ALL=C sort; "
                + "find . -type f -readable -exec md5sum {} + | LC_ALL=C sort");
        Assert.True(files.Status == 0, files.ToString());
        return files.Out;
    }

    public void Dispose()
    {
        // Names that are no text, which the framework cannot remove.
        Shell.Run(
            "/", null, "sh", "-c", "chmod -R u+rwx \"$@\"; find \"$@\" -mindepth 1 -delete", "sh",
            _outside.Path, Place.Path);
        _outside.Dispose();
        Place.Dispose();
    }
}
