using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Conformance.Harness;

namespace Conformance;

/// <summary>What guests can do with files: each kind of rule, in each other, over each default.</summary>
[Collection("programs")]
public sealed class IsolationFileViewTests
{
    private static readonly string[] Outer =
        ["ro", "rw", "hide", "deny", "tmpfs", "cow", "proc", "dev"];

    private static readonly string[] Inner = ["ro", "rw", "hide", "deny", "tmpfs", "cow"];

    private static readonly string[] OfFiles = ["ro", "rw", "hide", "deny"];

    public static TheoryData<Way, string> WaysAndDefaults
    {
        get
        {
            var data = new TheoryData<Way, string>();
            foreach (Way way in Isolated.AllWays)
            {
                foreach (string kind in OfFiles)
                {
                    data.Add(way, kind);
                }
            }

            return data;
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(WaysAndDefaults))]
    public void Each_kind_holds_in_each_other(Way way, string byDefault)
    {
        using var place = new Isolated(way);
        var rules = new StringBuilder($"{{default: {byDefault}, paths: {{./view: ro");
        foreach (string system in new[] { "/usr", "/bin", "/lib", "/lib64" })
        {
            rules.Append($", {system}: ro");
        }

        SortedDictionary<string, string> expected = Prepare(place, rules);
        string policy = place.Policy(rules.Append("}}").ToString());
        Outcome run = place.Run(["-p", policy], [place.Guest("view"), .. expected.Keys]);
        Assert.True(run.Status == 0, run.ToString());
        Assert.Equal(
            string.Join('\n', expected.Select(line => $"{line.Key}: {line.Value}")),
            run.Out.TrimEnd('\n'));

        // What was written is on the host where the rule is rw, and nowhere else.
        foreach (string file in Directory.EnumerateFiles(
            place.File("at"), "*", SearchOption.AllDirectories))
        {
            string rule = Path.GetFileName(file) is "f" or "new"
                ? Path.GetFileName(Path.GetDirectoryName(file)!) : Path.GetFileName(file);
            bool isWritten = rule.Split('-')[^1] == "rw";
            Assert.True(isWritten || Path.GetFileName(file) != "new", file);
            Assert.True(
                Path.GetFileName(file) == "new"
                    || File.ReadAllText(file) == (isWritten ? "host+" : "host"), file);
        }
    }

    /// <summary>Makes directories and files, and the rules for them; gives what is expected.</summary>
    private static SortedDictionary<string, string> Prepare(Isolated place, StringBuilder rules)
    {
        var expected = new SortedDictionary<string, string>(System.StringComparer.Ordinal);
        foreach (string outer in Outer)
        {
            string path = $"at/{outer}";
            place.Write($"{path}/f", "host");
            rules.Append($", ./{path}: {outer}");
            bool leadsOn = outer is not ("proc" or "dev");
            expected[path] = OfDirectory(outer, leadsOn);
            foreach (string inner in leadsOn ? Inner : [])
            {
                place.Write($"{path}/in-{inner}/f", "host");
                rules.Append($", ./{path}/in-{inner}: {inner}");
                expected[$"{path}/in-{inner}"] = OfDirectory(inner, leadsOn: false);
            }

            foreach (string file in leadsOn ? OfFiles : [])
            {
                place.Write($"{path}/file-{file}", "host");
                rules.Append($", ./{path}/file-{file}: {file}");
                expected[$"{path}/file-{file}"] = OfFile(file);
            }
        }

        return expected;
    }

    private static string OfDirectory(string kind, bool leadsOn) => kind switch
    {
        "ro" => "list=yes read=host write=EROFS make=EROFS",
        "rw" or "cow" => "list=yes read=host write=done make=done",
        "hide" or "dev" => "list=no read=ENOENT write=ENOENT make=EROFS",
        "tmpfs" => "list=no read=ENOENT write=ENOENT make=done",
        "proc" => "list=no read=ENOENT write=ENOENT make=ENOENT",
        _ => leadsOn ? "list=EACCES read=ENOENT write=ENOENT make=EROFS"
            : "list=EACCES read=EACCES write=EACCES make=EACCES",
    };

    /// <summary>What is hidden is empty, and takes what is written as /dev/null does.</summary>
    private static string OfFile(string kind) => kind switch
    {
        "ro" => "read=host write=EROFS",
        "rw" => "read=host write=done",
        "hide" => "read= write=done",
        _ => "read=EACCES write=EACCES",
    };
}
