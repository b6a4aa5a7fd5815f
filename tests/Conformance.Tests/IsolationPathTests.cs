using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Conformance.Harness;

namespace Conformance;

/// <summary>Which files a rule is for, whatever they are called and however they are named.</summary>
[Collection("programs")]
public sealed class IsolationPathTests
{
    private const string Needed = "/usr: ro, /bin: ro, /lib: ro, /lib64: ro";
    private const string Hidden = "list=no read=ENOENT write=ENOENT make=EROFS";
    private const string Seen = "list=yes read=host write=EROFS make=EROFS";

    private static readonly string[] Names =
        ["a b", "back\\slash", "co,mma", "co:lon", "q\"uote", "üml", "-dash", "$(x)", "#hash"];

    public static TheoryData<Way> Ways => Isolated.Ways;

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Names_are_taken_as_they_are(Way way)
    {
        using var place = new Isolated(way);
        foreach ((string kind, string expected) in new[]
        {
            ("hide", Hidden), ("ro", Seen), ("cow", "list=yes read=host write=done make=done"),
            ("rw", "list=yes read=host write=done make=done"),
            ("deny", "list=EACCES read=EACCES write=EACCES make=EACCES"),
            ("tmpfs", "list=no read=ENOENT write=ENOENT make=done"),
        })
        {
            string rules = string.Empty;
            foreach (string name in Names)
            {
                place.Write($"{kind}/{name}/f", "host");
                rules += $", {Quoted($"./{kind}/{name}")}: {kind}";
            }

            string[] paths = [.. Names.Select(name => $"{kind}/{name}")];
            Outcome run = place.Run(
                ["-p", place.Policy($"{{default: ro, paths: {{{Needed}{rules}}}}}")],
                [place.Guest("view"), .. paths]);
            byte[] latin = Encoding.UTF8.GetBytes(
                string.Concat(paths.Select(path => $"{path}: {expected}\n")));
            Assert.Equal(Encoding.Latin1.GetString(latin), run.Out);
        }
    }

    [NamespacesTheory]
    [InlineData("new\\nline", "control character")]
    [InlineData("nul\\0byte", "control character")]
    public void Names_that_a_line_cannot_hold_are_refused(string name, string why)
    {
        using var place = new Isolated(Way.Rootless);
        string policy = place.Policy($"{{default: ro, paths: {{\"./{name}\": hide}}}}");
        Outcome run = place.Run(["-p", policy], "echo", "ran");
        Assert.Equal((2, string.Empty), (run.Status, run.Out));
        Assert.Contains(why, run.Err, StringComparison.Ordinal);
    }

    [NamespacesFact]
    public void A_pattern_that_a_name_without_UTF8_fits_is_refused()
    {
        using var place = new Isolated(Way.Rootless);
        Directory.CreateDirectory(place.File("odd"));
        Shell.Run(place.Path, null, "sh", "-c", "echo host > \"odd/$(printf 'x\\377')\"");
        Outcome run = place.Run(
            ["-p", place.Policy("{default: ro, paths: {'./odd/x*': hide}}")], "sh", "-c", "cat odd/*");
        Assert.Equal((125, string.Empty), (run.Status, run.Out));
        Assert.Contains("no UTF-8", run.Err, StringComparison.Ordinal);
        Outcome other = place.Run(
            ["-p", place.Policy("{default: ro, paths: {'./odd/y*': hide}}")], "sh", "-c", "cat odd/*");
        Assert.Equal("host\n", other.Out);
        Shell.Run(place.Path, null, "rm", "-r", "odd");
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Patterns_and_symbolic_links_lead_to_what_they_mean(Way way)
    {
        using var place = new Isolated(way);
        foreach (string directory in new[] { "k1", "k2", "m1", "aim", "plain" })
        {
            place.Write($"{directory}/f", "host");
        }

        File.CreateSymbolicLink(place.File("link"), "chain");
        File.CreateSymbolicLink(place.File("chain"), place.File("aim"));
        File.CreateSymbolicLink(place.File("nowhere"), "gone");
        string policy = place.Policy(
            $"{{default: ro, paths: {{{Needed}, './[j-l]?': hide, ./link: hide, ./nowhere: hide}}}}");
        string[] paths = ["k1", "k2", "m1", "aim", "link", "chain", "plain"];
        Outcome run = place.Run(["-p", policy], [place.Guest("view"), .. paths]);
        Assert.Equal(
            string.Concat(paths.Select(p => $"{p}: {(p is "m1" or "plain" ? Seen : Hidden)}\n")),
            run.Out);
    }

    [NeedsFact("strace", namespaces: true)]
    public void A_path_that_becomes_a_link_before_it_is_mounted_ends_the_run()
    {
        foreach (Way way in Isolated.AllWays)
        {
            foreach (string kind in new[] { "hide", "deny", "ro", "rw", "tmpfs", "cow" })
            {
                using var place = new Isolated(way);
                place.Write("rule/f", "host");
                place.Write("elsewhere/f", "host");
                Outcome run = Swapped(place, kind, () =>
                {
                    Directory.Move(place.File("rule"), place.File("was"));
                    File.CreateSymbolicLink(place.File("rule"), "elsewhere");
                });
                Assert.Equal((125, string.Empty), (run.Status, run.Out));
                Assert.Contains($"{place.Path}/rule: ELOOP", run.Err, StringComparison.Ordinal);
            }
        }
    }

    [NeedsFact("strace", namespaces: true)]
    public void A_path_that_goes_before_it_is_mounted_ends_the_run()
    {
        using var place = new Isolated(Way.Rootless);
        place.Write("rule/f", "host");
        Outcome run = Swapped(
            place, "hide", () => Directory.Move(place.File("rule"), place.File("was")));
        Assert.Equal((125, string.Empty), (run.Status, run.Out));
        Assert.Contains("has gone or changed", run.Err, StringComparison.Ordinal);
    }

    /// <summary>
    /// Runs with a rule; in the middle, when paths are resolved and the first call of the launch
    /// is held up, something changes.
    /// </summary>
    private static Outcome Swapped(Isolated place, string kind, Action change)
    {
        const string memfd = "319 ";
        string around = kind == "ro" ? "rw" : "ro";
        string policy = place.Policy($"{{default: {around}, paths: {{./rule: {kind}}}}}");
        string result = place.File("result");
        string[] held = Isolated.Behind(
            place.Line(["-p", policy, "--result", result], "echo", "ran"),
            "strace", "-o", "/dev/null", "-e", "trace=memfd_create",
            "-e", "inject=memfd_create:delay_enter=60s");
        using Process process = Shell.Start(place.Path, held);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        int child = 0;
        for (int i = 0; i < 2000 && !Stands(child, memfd); i++)
        {
            Thread.Sleep(10);
            string children = Text($"/proc/{process.Id}/task/{process.Id}/children");
            _ = int.TryParse(children.Split(' ')[0], out child);
        }

        Assert.True(Stands(child, memfd), "the sandbox does not come to its launch");
        change();

        // Without its tracer it goes on at once.
        process.Kill();
        process.WaitForExit();
        Assert.True(Task.WaitAll([output, error], Shell.Patience), "no end");
        using var json = JsonDocument.Parse(File.ReadAllText(result));
        return new(
            json.RootElement.GetProperty("exit_code").GetInt32(), output.Result, error.Result);
    }

    /// <summary>Whether a process stands in a call, by its number and a space.</summary>
    internal static bool Stands(int pid, string call) =>
        Text($"/proc/{pid}/syscall").StartsWith(call, StringComparison.Ordinal);

    /// <summary>A file of /proc; empty when it is gone.</summary>
    internal static string Text(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return string.Empty;
        }
    }

    private static string Quoted(string path) =>
        $"\"{path.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";
}
