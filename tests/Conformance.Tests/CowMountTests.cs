using System.IO;
using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>Copies of trees in which something is mounted, and device nodes in what is kept.</summary>
[Collection("programs")]
public sealed class CowMountTests
{
    /// <summary>Under a name beside which others make and remove nothing meanwhile.</summary>
    private const string Mounts = "mount --bind . /mnt && cd /mnt && mount -t tmpfs none tree/below && mkdir tree/below/deep "
        + "&& echo host > tree/below/f && mount -t tmpfs none tree/below/deep "
        + "&& echo host > tree/below/deep/f; ";

    private const string Write =
        "for d in tree tree/side tree/below tree/below/deep; do echo guest > $d/f && cat $d/f; done; "
            + "cat other/f; echo guest > other/f && cat other/f";

    private const string Look = "; status=$?; cat tree/f tree/side/f tree/below/f tree/below/deep/f "
        + "other/f; exit $status";

    [NamespacesTheory]
    [InlineData("{default: cow}", "")]
    [InlineData("{default: ro, paths: {./tree: cow, ./other: cow}}", "")]
    [InlineData("{default: cow}", "unshare -U --map-user=1000 --map-group=1000 ")]
    public void What_is_mounted_below_is_a_copy_as_well(string files, string user)
    {
        using var place = new Isolated(Way.Rootless);
        foreach (string name in new[] { "tree/f", "tree/side/f", "tree/below/f", "other/f" })
        {
            place.Write(name, "host\n");
        }

        string[] line = place.Line(["-p", place.Policy(files)], "sh", "-c", Write);
        Outcome run = Shell.Run(place.Path, null, Isolated.Behind(
            line, "unshare", "-Urm", "sh", "-c", Mounts + user + "\"$@\"" + Look, "sh"));

        // / and what leads to a mount are new, with a copy for each directory in them; a file
        // beside those is read-only.
        bool parted = files.Contains("default: cow");
        string[] guests = run.Out.Split('\n');
        Assert.True(run.Out.EndsWith(string.Concat(Enumerable.Repeat("host\n", 5))), run.ToString());
        Assert.True(
            guests.Count(word => word == "guest") == (parted ? 3 : 5), run.ToString());
        Assert.Equal(parted, run.Err.Contains("tree/f: Read-only file system"));
        Assert.Equal(parted, run.Err.Contains("tree/below/f: Read-only file system"));
    }

    [RootFact("only root makes device nodes")]
    public void A_device_node_is_never_applied_and_never_opened()
    {
        foreach ((string node, string kind, bool isOver) in new[]
        {
            ("c 1 5", "character device", false), ("c 1 5", "character device", true),
            ("b 254 0", "block device", false),
        })
        {
            using var kept = new KeptPlace(Way.KeptRoot);
            kept.Write("a", "host");
            Assert.Equal(0, kept.Keep("echo 1 > b").Status);
            string name = isOver ? "a" : "d";
            Shell.Run(kept.Upper, null, "sh", "-c", $"mknod -m 666 {name} {node}");
            string before = KeptPlace.State(kept.Tree);
            Assert.Contains(
                kept.Changes(), line => line.Contains(kind) && line.Contains(' ' + name));
            Outcome commit = kept.Commit();
            Assert.True(commit.Status == 1, commit.ToString());
            Assert.Contains($"it is a {kind}, which is never applied", commit.Err);
            Assert.Equal(before, KeptPlace.State(kept.Tree));

            // Nor is it one for a run that goes on from there.
            Outcome run = kept.Keep($"head -c 1 {name} | wc -c");
            Assert.Equal("0\n", run.Out);
            File.Delete(Path.Combine(kept.Upper, name));
            Assert.Equal(0, kept.Commit().Status);
        }
    }
}
