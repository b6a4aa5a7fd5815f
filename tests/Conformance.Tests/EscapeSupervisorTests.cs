using System;
using System.IO;
using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>What a guest of the same user can do to its supervisor, and what it cannot.</summary>
[Collection("engine")]
public sealed class EscapeSupervisorTests
{
    private const string Yama = "/proc/sys/kernel/yama/ptrace_scope";
    private static readonly string[] Default = ["-q", "-p", "processes"];

    /// <summary>Whether the host keeps processes of one user from each other anyway.</summary>
    private static bool YamaForbids => File.Exists(Yama) && File.ReadAllText(Yama).Trim() != "0";

    [Fact]
    public void Its_memory_descriptors_and_control_are_closed()
    {
        using var place = new Workplace();
        string guest = Guests.Escape("supervisor");

        // All capabilities are given up first, by root's supervisor as well.
        Outcome native = Shell.Run(place.Path, null, guest, "sh", "-c", guest + "; true");
        Outcome run = Shell.Run(
            place.Path, null,
            [guest, Product.Sandbox, "run", .. Default, "--", "sh", "-c", "sleep 0.1; " + guest]);
        string[] open = [.. native.Out.Split('\n').Where(
            l => l.EndsWith(": done", StringComparison.Ordinal))];
        Assert.True(open.Length >= 12 || YamaForbids, native.ToString());
        string[] lines = run.Out.TrimEnd('\n').Split('\n');
        Assert.Equal(native.Out.TrimEnd('\n').Split('\n').Length, lines.Length);
        Assert.Equal("several threads 1, reached 0", lines[^1]);
        Assert.All(lines.SkipLast(1), line => Assert.Matches(": (EPERM|EACCES)$", line));
    }

    [Fact]
    public void While_it_is_stopped_no_task_is_made()
    {
        using var place = new Workplace();
        Reported run = Reported.Run(place, Default, Guests.Escape("signals"), "stop");
        Assert.Equal("made while stopped 0, made afterwards 1\n", run.Outcome.Out);
        Assert.Equal(4, run.Tasks("created"));
    }

    [Fact]
    public void A_flood_of_signals_with_forged_senders_stops_nobodys_creations()
    {
        using var place = new Workplace();
        Outcome run = Product.Run(place, Default, Guests.Escape("signals"), "flood");
        Assert.Equal("made in the flood 300\n", run.Out);
        Assert.Equal(0, run.Status);
    }

    [Theory]
    [InlineData("-q")]
    [InlineData("--summary")]
    public void With_its_limits_taken_away_it_grants_nothing_more(string option)
    {
        using var place = new Workplace();
        Outcome run = Product.Run(
            place, [option, "-p", "processes"], Guests.Escape("signals"), "limits");
        Assert.Equal("granted 0\n", run.Out);
    }

    [Fact]
    public void Killed_by_a_guest_it_takes_every_guest_along()
    {
        using var place = new Workplace();
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        Outcome run = Product.Run(
            place, [.. Default, "--env", mark], Guests.Escape("signals"), "kill");
        Assert.Equal("ready\n", run.Out);
        Assert.Equal(128 + 9, run.Status);
        Assert.Empty(Survivors.Of(mark));
    }

    [Fact]
    public void A_program_with_a_name_made_of_lines_and_codes_forges_no_words_of_the_sandbox()
    {
        using var place = new Workplace();
        string name = place.File("x\nsandbox: all is well\n\u001b[2J\u0007");
        File.Copy(Guests.Escape("ways"), name);
        Reported run = Reported.Run(place, ["-v", "-p", "processes"], name, "dispatch");
        Assert.All(
            run.Outcome.Err.TrimEnd('\n').Split('\n'),
            line => Assert.StartsWith("sandbox: ", line, StringComparison.Ordinal));
        Assert.DoesNotContain("\nsandbox: all is well", run.Outcome.Err);
        Assert.DoesNotContain('\u001b', run.Outcome.Err);
        Assert.Contains(name, run.Named("exec").Select(e => Reported.Text(e, "path")));
    }
}
