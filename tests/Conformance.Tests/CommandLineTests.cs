using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using Conformance.Harness;

namespace Conformance;

/// <summary>The contract of the command line.</summary>
[Collection("programs")]
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 7", 7)]
    [InlineData("kill -KILL $$", 137)]
    [InlineData("kill -TERM $$", 143)]
    [InlineData("kill -SEGV $$", 139)]
    public void The_status_is_the_commands_own(string script, int status)
    {
        Outcome outcome = Run(Twice.Permissive, "sh", "-c", script);
        Assert.Equal(status, outcome.Status);
        Assert.Equal(string.Empty, outcome.Out + outcome.Err);
    }

    [Theory]
    [InlineData(127, "no-such-command")]
    [InlineData(127, "/no/such/command")]
    [InlineData(126, "/etc/passwd")]
    [InlineData(126, "/etc")]
    public void A_command_that_cannot_run_is_named(int status, string command)
    {
        Outcome outcome = Run(Twice.Permissive, command);
        Assert.Equal(status, outcome.Status);
        Assert.StartsWith("sandbox: ", outcome.Err, StringComparison.Ordinal);
        Assert.Contains(command, outcome.Err, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--ro /x")]
    [InlineData("--rw /x")]
    [InlineData("--hide /x")]
    [InlineData("--cow /x")]
    [InlineData("--keep d")]
    [InlineData("--engine notify")]
    [InlineData("--no-such-option")]
    [InlineData("--version")]
    [InlineData("--timeout soon")]
    [InlineData("--env NOVALUE")]
    [InlineData("--set resources.memory=1GB")]
    [InlineData("--set resources.nice=99")]
    [InlineData("--set resources.nice")]
    [InlineData("--log-format xml")]
    [InlineData("-p no-such-policy")]
    [InlineData("-p strict --set creation.limits.tasks=0")]
    [InlineData("--fd 77")]
    public void Wrong_usage_starts_nothing(string options)
    {
        Outcome outcome = Run(["-p", "permissive", .. options.Split(' ')], "sh", "-c", "echo ran >&2");
        Assert.Equal(2, outcome.Status);
        Assert.StartsWith("sandbox: ", outcome.Err, StringComparison.Ordinal);
        Assert.DoesNotContain("ran\n", outcome.Err, StringComparison.Ordinal);
        Assert.Equal(string.Empty, outcome.Out);
    }

    [Fact]
    public void Nothing_to_run_is_wrong_usage()
    {
        Assert.Equal(2, Shell.Run("/", null, Product.Sandbox, "run", "-p", "strict").Status);
        Assert.Equal(2, Shell.Run("/", null, Product.Sandbox, "rum").Status);
    }

    [Fact]
    public void Options_after_the_command_are_its_own()
    {
        Outcome outcome = Shell.Run(
            "/", null, Product.Sandbox, "run", "-q", "-p", "permissive", "--timeout=60s", "echo", "-v",
            "--net", "-p", "--", "x");
        Assert.Equal("-v --net -p -- x\n", outcome.Out);
    }

    [Fact]
    public void Directory_and_environment_are_as_asked_for()
    {
        using var place = new Workplace();
        Directory.CreateDirectory(place.File("d"));
        File.WriteAllText(place.File("d/script"), "echo script $1 $0");
        File.SetUnixFileMode(place.File("d/script"), (UnixFileMode)0b111_101_101);
        Outcome outcome = Product.Run(
            place, [.. Twice.Permissive, "--chdir", "d", "--clear-env", "--env", "A=1", "--env", "B=2", "--env", "A=3"],
            "/usr/bin/env");
        Assert.Equal("B=2\nA=3\n", outcome.Out);
        outcome = Product.Run(place, [.. Twice.Permissive, "--chdir", "d"], "./script", "arg");
        Assert.Equal("script arg ./script\n", outcome.Out);
        outcome = Product.Run(place, [.. Twice.Permissive, "--chdir", "nowhere"], "true");
        Assert.Equal(125, outcome.Status);
        Assert.Contains("nowhere", outcome.Err, StringComparison.Ordinal);
    }

    [Fact]
    public void Strict_allows_one_task()
    {
        string threads = Guests.Path("threads");
        string[] strict = ["-q", "-p", "strict", "--ro", threads, "--chdir", "/"];
        Outcome alone = Run(strict, "sh", "-c", "echo alone; exit 3");
        Assert.Equal("alone\n", alone.Out);
        Assert.Equal(3, alone.Status);
        Outcome fork = Run(strict, "dash", "-c", "ls / | cat");
        Assert.Equal(2, fork.Status);
        Assert.Contains("Cannot fork", fork.Err, StringComparison.Ordinal);
        Assert.Equal("err 1 at 0\n", Run(strict, threads, "1").Out);
    }

    [Fact]
    public void Limits_of_the_policy_are_kept()
    {
        Outcome threads = Run(
            [.. Twice.Permissive, "--set", "creation.limits.threads=10"], Guests.Path("threads"), "20");
        Assert.Equal("err 11 at 9\n", threads.Out);
        Outcome depth = Run(
            [.. Twice.Permissive, "--set", "creation.limits.depth=2"], "dash", "-c",
            "(echo 1; (echo 2; (echo 3; true); true); true)");
        Assert.Equal("1\n2\n", depth.Out);
    }

    [Fact]
    public void Resources_hold_for_the_command_and_its_children()
    {
        Outcome outcome = Run(
            [.. Twice.Permissive, "--set", "resources.open_files=64", "--set", "resources.core=0", "--set",
                "resources.nice=7", "--set", "resources.affinity=0", "--set", "resources.oom_score_adj=500",
                "--set", "resources.scheduler=batch", "--set", "resources.file_size=1M"],
            "sh", "-c",
            "sh -c 'ulimit -n; ulimit -c; nice; grep Cpus_allowed_list /proc/self/status; cat /proc/self/oom_score_adj; chrt -p $$; ulimit -f; true'; true");
        Assert.Equal(0, outcome.Status);
        string[] lines = outcome.Out.Split('\n');
        Assert.Equal(["64", "0", "7", "Cpus_allowed_list:\t0", "500"], lines[..5]);
        Assert.Contains("SCHED_BATCH", lines[5], StringComparison.Ordinal);
        Assert.Equal("2048", lines[7]);
    }

    [Fact]
    public void Events_and_result_say_what_happened()
    {
        using var place = new Workplace();
        Outcome outcome = Product.Run(
            place, [.. Twice.Permissive, "--events", "events", "--result", "result"], "sh", "-c", "true | true; exit 3");
        Assert.Equal(3, outcome.Status);
        JsonElement[] events = [.. File.ReadAllLines(place.File("events")).Select(l => JsonDocument.Parse(l).RootElement)];
        JsonElement clone = events.Last(e => e.GetProperty("event").GetString() == "clone");
        Assert.Equal("allow", clone.GetProperty("verdict").GetString());
        Assert.Contains(clone.GetProperty("flags").EnumerateArray(), f => f.GetString() == "CLONE_CHILD_SETTID");
        Assert.Equal(3, events.Count(e => e.GetProperty("event").GetString() == "exit"));
        Assert.Equal("result", events[^1].GetProperty("event").GetString());
        JsonElement result = JsonDocument.Parse(File.ReadAllText(place.File("result"))).RootElement;
        Assert.Equal("exited", result.GetProperty("status").GetString());
        Assert.Equal(3, result.GetProperty("exit_code").GetInt32());
        Assert.Equal(3, result.GetProperty("tasks").GetProperty("created").GetInt32());
        Assert.Equal(3, result.GetProperty("stages").GetProperty("publish").GetProperty("count").GetInt32());
    }

    [Fact]
    public void A_denial_names_what_decided()
    {
        using var place = new Workplace();
        Product.Run(
            place, ["-q", "-p", "strict", "--chdir", "/", "--events", "events"], "dash", "-c",
            "ls | cat");
        JsonElement denied = File.ReadAllLines(place.File("events")).Select(l => JsonDocument.Parse(l).RootElement)
            .First(e => e.GetProperty("event").GetString() == "clone" && e.GetProperty("verdict").GetString() == "deny");
        Assert.Equal("EPERM", denied.GetProperty("errno").GetString());
        JsonElement rule = denied.GetProperty("rule");
        Assert.StartsWith("creation.entry.", rule.GetProperty("policy").GetString(), StringComparison.Ordinal);
        Assert.Equal("builtin:strict.yaml", rule.GetProperty("file").GetString());
        Assert.InRange(rule.GetProperty("line").GetInt32(), 5, 20);
    }

    [Theory]
    [InlineData("--events")]
    [InlineData("--result")]
    public void An_output_that_cannot_be_written_starts_nothing(string option)
    {
        Outcome outcome = Run([.. Twice.Permissive, option, "/no/such/dir/file"], "echo", "ran");
        Assert.Equal(125, outcome.Status);
        Assert.Equal(string.Empty, outcome.Out);
        Assert.Contains("/no/such/dir/file", outcome.Err, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--events")]
    [InlineData("--result")]
    public void An_output_that_is_lost_is_an_error(string option)
    {
        Outcome outcome = Run([.. Twice.Permissive, option, "/dev/full"], "echo", "ran");
        Assert.Equal(125, outcome.Status);
        Assert.Contains(option, outcome.Err, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("-?")]
    [InlineData("-qh")]
    [InlineData("-q --help -- echo ran")]
    [InlineData("-p no-such-policy --help")]
    public void Help_of_run_is_asked_for_and_told_as_of_any_command(string asked)
    {
        Outcome run = Shell.Run("/", null, [Product.Sandbox, "run", .. asked.Split(' ')]);
        Assert.Equal(0, run.Status);
        Assert.StartsWith(
            "Description:\n  Run a program under a policy\n\nUsage:\n"
                + "  sandbox run <COMMAND>... [options]\n", run.Out, StringComparison.Ordinal);
        Outcome other = Shell.Run("/", null, Product.Sandbox, "policy", "show", "--help");
        Assert.Equal(HelpRow(other.Out), HelpRow(run.Out));
    }

    [Fact]
    public void A_shell_can_complete_options()
    {
        Outcome outcome = Shell.Run("/", null, Product.Sandbox, "[suggest:13]", "sandbox run --t");
        Assert.Equal("--timeout\n", outcome.Out);
        outcome = Shell.Run("/", null, Product.Sandbox, "[suggest:9]", "sandbox d");
        Assert.Equal("doctor\n", outcome.Out);
    }

    [Theory]
    [InlineData("ptrace", "ptrace(PTRACE_SEIZE)")]
    [InlineData("seccomp", "seccomp(SECCOMP_SET_MODE_FILTER)")]
    public void A_host_that_lacks_a_mechanism_is_told_in_one_line(string lacking, string named)
    {
        Outcome outcome = Shell.Run(
            "/", null, Guests.Path("without"), lacking, Product.Sandbox, "run", "-p", "permissive", "echo", "ran");
        Assert.Equal(125, outcome.Status);
        Assert.Equal(string.Empty, outcome.Out);
        Assert.Contains(named, outcome.Err, StringComparison.Ordinal);
        Assert.Equal(1, outcome.Err.Count(c => c == '\n'));
    }

    [Fact]
    public void Json_logs_are_json()
    {
        Outcome outcome = Run(["-p", "permissive", "--log-format", "json"], "no-such-command");
        JsonElement line = JsonDocument.Parse(outcome.Err).RootElement;
        Assert.Equal("Error", line.GetProperty("Level").GetString());
    }

    /// <summary>The words of the line that tells of the option for help.</summary>
    private static string[] HelpRow(string help) =>
        help.Split('\n').Last(line => line.Contains("--help", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static Outcome Run(string[] options, params string[] command)
    {
        using var place = new Workplace();
        return Product.Run(place, options, command);
    }
}
