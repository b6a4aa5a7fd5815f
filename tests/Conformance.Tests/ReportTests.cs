using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;
using Conformance.Harness;

namespace Conformance;

/// <summary>What a run says of its decisions: events, result, and standard error.</summary>
[Collection("programs")]
public sealed class ReportTests
{
    private const string Policy = """
        version: 1
        extends: processes
        creation:
          deny:
            CLONE_FILES: ENOSPC
          limits:
            tasks: 1
        """;

    [Fact]
    public void Events_say_which_line_allowed_or_denied()
    {
        using var place = new Workplace();
        place.Write("p.yaml", Policy.Replace("tasks: 1", "tasks: 9", StringComparison.Ordinal));
        Reported run = Reported.Run(place, ["-q", "-p", "p.yaml"], Guests.Path("verdicts"), "raw");
        JsonElement files = run.Named("clone").First(e => Reported.Flags(e, "flags") == "CLONE_FILES");
        Assert.Equal("deny", Reported.Text(files, "verdict"));
        Assert.Equal("ENOSPC", Reported.Text(files, "errno"));
        Assert.Equal("creation.deny p.yaml:5:5", RuleOf(files));
        JsonElement[] calls = run.Named("clone");
        JsonElement fork = calls.First(e => Reported.Text(e, "entry") == "fork");
        Assert.Equal("allow", Reported.Text(fork, "verdict"));
        Assert.Equal("creation.allow builtin:processes.yaml:6:7", RuleOf(fork));
        JsonElement user = calls.First(e => Reported.Flags(e, "flags") == "CLONE_NEWUSER");
        Assert.Equal("creation.deny builtin:processes.yaml:16:5", RuleOf(user));
        JsonElement fs = calls.First(e => Reported.Flags(e, "flags") == "CLONE_FS|CLONE_IO");
        Assert.Equal("creation.otherwise builtin:processes.yaml:17:14", RuleOf(fs));
        JsonElement untraced = calls.First(e => Reported.Flags(e, "flags") == "CLONE_UNTRACED");
        Assert.Equal(string.Empty, Reported.Flags(untraced, "flags_run"));
        JsonElement alone = calls.First(e => Reported.Flags(e, "flags") == "CLONE_SIGHAND");
        Assert.True(alone.GetProperty("rule").TryGetProperty("kernel", out _));
    }

    [Fact]
    public void Unshare_and_setns_are_events_of_their_own()
    {
        using var place = new Workplace();
        Reported run = Reported.Run(
            place, ["-q", "-p", "processes"], Guests.Path("verdicts"), "namespaces");
        string[] said = [.. run.Named("namespace").Select(e =>
            $"{Reported.Text(e, "entry")} {Reported.Flags(e, "flags")} {Reported.Text(e, "verdict")}")];
        Assert.Equal(
            [
                "unshare CLONE_FS|CLONE_FILES allow", "unshare CLONE_PIDFD deny",
                "unshare 0x10000000000 deny", "setns CLONE_NEWUTS deny", "setns  deny",
                "unshare CLONE_NEWUTS|CLONE_NEWUSER deny",
            ], said);
        Assert.Equal(
            "creation.entry.setns builtin:processes.yaml:19:12", RuleOf(run.Named("namespace")[3]));
        Reported stripped = Reported.Run(
            place, ["-q", "-p", "processes", "--set", "creation.strip=@namespaces"],
            Guests.Path("verdicts"), "namespaces");
        JsonElement last = stripped.Named("namespace")[^1];
        Assert.Equal("allow", Reported.Text(last, "verdict"));
        Assert.Equal("CLONE_NEWUTS|CLONE_NEWUSER", Reported.Flags(last, "flags"));
        Assert.Equal(string.Empty, Reported.Flags(last, "flags_run"));
    }

    [Fact]
    public void A_limit_is_told_once_for_each_call_and_every_denial_summed_up()
    {
        using var place = new Workplace();
        place.Write("p.yaml", Policy);
        Reported run = Reported.Run(
            place, ["-q", "-p", "p.yaml"], "sh", "-c", $"exec {Guests.Path("verdicts")} raw");
        JsonElement[] limits = run.Named("limit");
        Assert.Equal(4, limits.Length);
        Assert.All(limits, e => Assert.Equal(
            "creation.limits.tasks 1", $"{Reported.Text(e, "which")} {e.GetProperty("value").GetInt32()}"));
        JsonElement[] denials = [.. run.Result.GetProperty("denials").EnumerateArray()];
        Assert.Equal(denials.Length, run.Named("denied").Length);
        JsonElement files = denials.First(d =>
            Reported.Text(d.GetProperty("rule"), "policy") == "creation.deny"
            && Reported.Text(d, "errno") == "ENOSPC");
        Assert.Equal("creation.deny p.yaml:5:5", RuleOf(files));
        Assert.Contains("CLONE_FILES", Reported.Flags(files, "edit"), StringComparison.Ordinal);
        Assert.Equal(run.Tasks("denied") - KernelRules(run), denials.Sum(d => d.GetProperty("count").GetInt32()));
        JsonElement[] last = run.Events[^(denials.Length + 1)..];
        Assert.All(last[..^1], e => Assert.Equal("denied", Reported.Text(e, "event")));
        Assert.Equal("result", Reported.Text(last[^1], "event"));
    }

    [Fact]
    public void Decisions_are_made_once_for_each_kind_of_call()
    {
        using var place = new Workplace();
        Reported run = Reported.Run(
            place, ["-q", "-p", "processes"], Guests.Path("verdicts"), "flood", "200");
        JsonElement decisions = run.Result.GetProperty("decisions");
        Assert.InRange(decisions.GetProperty("hits").GetInt32(), 199, 200);
        Assert.InRange(decisions.GetProperty("hit_rate").GetDouble(), 0.98, 1);
    }

    [Theory]
    [InlineData("flood", "denied 1", "denied 0", "")]
    [InlineData("libc", "vfork: EIO", "vfork: made", "creation.entry.vfork=EIO")]
    [InlineData("libc", "pthread_create: EDOM", "pthread_create: made", "creation.deny.@thread=EDOM")]
    [InlineData("libc", "fork: EAGAIN", "fork: made", "creation.limits.tasks=1")]
    [InlineData("namespaces", "uts: EPERM", "uts: done", "")]
    public void The_edit_that_is_shown_lets_the_call_pass(
        string question, string before, string after, string setting)
    {
        using var place = new Workplace();
        string[] options = setting.Length == 0 ? ["-p", "processes"] : ["-p", "processes", "--set", setting];
        string[] command = [Guests.Path("verdicts"), question];
        Outcome first = Product.Run(place, options, command);
        Assert.Contains(before, first.Out, StringComparison.Ordinal);
        const string offer = "sandbox:   to allow it: ";
        string[] edits = [.. first.Err.Split('\n')
            .Where(l => l.StartsWith(offer, StringComparison.Ordinal)).Select(l => l[offer.Length..])];
        Assert.NotEmpty(edits);
        Outcome second = Product.Run(
            place, [.. options, .. edits.SelectMany(e => e.Split(' '))], command);
        Assert.Contains(after, second.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void The_edits_of_closed_calls_open_what_their_flags_need_as_well()
    {
        using var place = new Workplace();
        string guest = Guests.Path("verdicts");
        string[] strict = ["-q", "-p", "strict", "--ro", guest, "--chdir", "/"];
        Reported closed = Reported.Run(place, strict, guest, "libc");
        Assert.Contains("vfork: EPERM", closed.Outcome.Out, StringComparison.Ordinal);
        string[] settings = [.. closed.Named("denied")
            .Where(e => Reported.Text(e, "what") is not "clone3")
            .SelectMany(e => e.GetProperty("edit").EnumerateArray())
            .SelectMany(s => new[] { "--set", s.GetString() ?? "" })];
        Assert.Contains("creation.allow=@vfork", settings);
        Outcome open = Product.Run(place, [.. strict, .. settings], guest, "libc");
        Assert.Contains("fork: made", open.Out, StringComparison.Ordinal);
        Assert.Contains("vfork: made", open.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("fork: E", open.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Quiet_prints_nothing()
    {
        using var place = new Workplace();
        Outcome run = Product.Run(place, ["-q", "-p", "processes"], Guests.Path("verdicts"), "flood", "5");
        Assert.Equal("denied 5\n", run.Out);
        Assert.Equal(string.Empty, run.Err);
        Outcome told = Product.Run(place, ["-p", "processes"], Guests.Path("verdicts"), "flood", "5");
        Assert.StartsWith("sandbox: denied 5 x clone(CLONE_NEWUSER) of ", told.Err, StringComparison.Ordinal);
    }

    [Fact]
    public void A_slow_reader_of_events_stalls_no_guest_and_is_told_what_it_missed()
    {
        using var place = new Workplace();
        Assert.Equal(0, Shell.Run(place.Path, null, "mkfifo", place.File("fifo")).Status);

        // Opens the FIFO, and reads it only when the guest has said that it is done.
        using Process reader = Shell.Start(
            place.Path, "sh", "-c", "exec 3<fifo; read go; cat <&3 >read; echo read");
        using Process run = Shell.Start(
            place.Path, Product.Sandbox, "run", "-p", "processes", "--events", "fifo", "--",
            Guests.Path("verdicts"), "flood", "40000");
        Assert.Equal("denied 40000", run.StandardOutput.ReadLine());
        reader.StandardInput.WriteLine("go");
        Assert.Equal("read", reader.StandardOutput.ReadLine());
        Assert.True(run.WaitForExit(Shell.Patience));
        Assert.Equal(0, run.ExitCode);
        string said = run.StandardError.ReadToEnd();
        Assert.Matches("--events: the reader was too slow; dropped: [0-9]+ clone", said);
        JsonElement[] events = Reported.Lines(place.File("read"));
        JsonElement[] dropped = [.. events.Where(e => Reported.Text(e, "event") == "dropped")];
        int lost = dropped.Sum(e => e.GetProperty("count").GetProperty("clone").GetInt32());
        Assert.InRange(lost, 1, 40000);
        Assert.Equal(
            40001 - lost, events.Count(e => Reported.Text(e, "event") == "clone"));
        Assert.Equal("result", Reported.Text(events[^1], "event"));
    }

    [Fact]
    public void A_stop_that_creates_nothing_allocates_nothing()
    {
        long few = Supervisor("allocated", Guests.Path("signals"), "100");
        long many = Supervisor("allocated", Guests.Path("signals"), "10100");
        Assert.InRange(many - few, 0, 10_000);
        Assert.InRange(Supervisor("stops", Guests.Path("signals"), "10100"), 10_100, 12_000);
    }

    /// <summary>
    /// But for what grows to its size once in a run: histograms, and the ring of creations of
    /// the last second, which <c>per_second</c> bounds.
    /// </summary>
    [Theory]
    [InlineData("permissive")]
    [InlineData("processes")]
    public void A_creation_allocates_nothing(string policy)
    {
        const int creations = 10_000;
        const int once = 128 * 1024;
        Assert.InRange(Allocated(100 + creations) - Allocated(100), 0, once);

        long Allocated(int count) => Supervisor(
            "allocated", [Guests.Path("forks"), $"{count}"],
            ["-p", policy, "--set", "resources.nice=1", "--set", "resources.open_files=512"]);
    }

    /// <summary>What <c>--result</c> says that the supervisor used.</summary>
    private static long Supervisor(string what, params string[] command) =>
        Supervisor(what, command, ["-p", "permissive"]);

    private static long Supervisor(string what, string[] command, string[] policy)
    {
        using var place = new Workplace();
        string[] options = ["-q", .. policy, "--result", place.File("result")];
        Assert.Equal(0, Product.Run(place, options, command).Status);
        return JsonDocument.Parse(File.ReadAllText(place.File("result"))).RootElement
            .GetProperty("supervisor").GetProperty(what).GetInt64();
    }

    private static int KernelRules(Reported run) => run.Named("clone").Count(e =>
        Reported.Text(e, "verdict") == "deny" && e.GetProperty("rule").TryGetProperty("kernel", out _));

    private static string RuleOf(JsonElement json)
    {
        JsonElement rule = json.GetProperty("rule");
        return $"{Reported.Text(rule, "policy")} {Reported.Text(rule, "file")}:"
            + $"{rule.GetProperty("line").GetInt32()}:{rule.GetProperty("column").GetInt32()}";
    }
}
