using System;
using System.Globalization;
using System.IO;
using System.Text.Json;
using System.Text.RegularExpressions;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// Creations as fast as they come: no run wedges, nothing is left, and the supervisor stays as it
/// was. STRESS_SECONDS makes each run longer: make stress.
/// </summary>
[Collection("stress")]
public sealed class StressTests
{
    private static readonly int Seconds = Number("STRESS_SECONDS", 1);

    private static TimeSpan Patience => TimeSpan.FromSeconds((3 * Seconds) + 80);

    [NeedsTheory("stress-ng")]
    [InlineData("fork", "processes")]
    [InlineData("vfork", "processes")]
    [InlineData("vforkmany", "processes")]
    [InlineData("clone", "processes")]
    [InlineData("pthread", "processes")]
    [InlineData("exec", "processes")]
    [InlineData("daemon", null)]
    [InlineData("zombie", null)]
    [InlineData("session", null)]
    [InlineData("kill", null)]
    [InlineData("sigchld", null)]
    [InlineData("sigq", null)]
    [InlineData("wait", null)]
    [InlineData("schedpolicy", null)]
    [InlineData("prctl", null)]
    public void Stress_ends_as_natively_and_leaves_nothing(string stressor, string? another)
    {
        using var place = new Workplace();
        string[] command =
            ["stress-ng", $"--{stressor}", "1", "--timeout", $"{Seconds}s", "--temp-path", "."];
        if (Host.IsRoot && stressor == "exec")
        {
            // That one does not run as root.
            File.SetUnixFileMode(place.Path, (UnixFileMode)0x1FF);
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", .. command];
        }

        Outcome native = Sampled.Run(place.Path, Patience, command).Outcome;
        Assert.Equal("successful", Ending(native));
        string[] policies = another is null ? ["permissive"] : ["permissive", another];
        foreach (string policy in policies)
        {
            Outcome sandboxed = Watched(place, policy, command);
            Assert.Equal(Ending(native), Ending(sandboxed));
            Assert.Equal(native.Status, sandboxed.Status);
        }
    }

    /// <summary>A run that ends by itself, after which nothing of it is there any more.</summary>
    private static Outcome Watched(Workplace place, string policy, string[] command)
    {
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        string limit = $"{Patience.TotalSeconds - 20}s";
        string result = place.File("result");
        Sampled run = Sampled.Run(
            place.Path, Patience,
            [Product.Sandbox, "run", "-p", policy, "--verify", "--timeout", limit, "--env", mark,
                "--result", result, "--", .. command]);
        string told = $"{string.Join(' ', command)} under {policy}: {run.Outcome}";
        JsonElement json = JsonDocument.Parse(File.ReadAllText(result)).RootElement;
        Assert.True(Reported.Text(json, "status") == "exited", told);
        Assert.DoesNotContain("did not end in time", run.Outcome.Err, StringComparison.Ordinal);
        Assert.True(json.GetProperty("tasks").GetProperty("created").GetInt32() > 1, told);
        Assert.Empty(Survivors.Of(mark));
        run.AssertFlat(told);
        return run.Outcome;
    }

    /// <summary>What stress-ng says of its run: "successful", or else.</summary>
    private static string Ending(Outcome outcome)
    {
        Match said = Regex.Match(outcome.Out + outcome.Err, @"(\S+) run completed in");
        return said.Success ? said.Groups[1].Value : outcome.ToString();
    }

    private static int Number(string name, int otherwise) =>
        int.TryParse(
            Environment.GetEnvironmentVariable(name), NumberStyles.None,
            CultureInfo.InvariantCulture, out int number) && number > 0 ? number : otherwise;
}
