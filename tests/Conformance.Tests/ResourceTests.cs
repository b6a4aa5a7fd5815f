using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using Conformance.Harness;

namespace Conformance;

/// <summary>What a run as a whole may use: memory, processors, disk and time.</summary>
[Collection("engine")]
public sealed class ResourceTests
{
    private const long Megabyte = 1 << 20;

    /// <summary>Writes to as many megabytes as it is told.</summary>
    private const string Hungry = "python3 -c \"x = b'x' * ($1 << 20); print('ate')\"";

    [NeedsCgroupFact]
    public void A_hungry_process_is_killed_and_the_result_says_why()
    {
        using var place = new Workplace();
        Reported run = Reported.Run(
            place, ["-p", "processes", "--set", "resources.memory=48M"], "dash", "-c",
            Hungry + "; echo went on", "x", "200");
        Assert.Equal((0, "went on\n"), (run.Outcome.Status, run.Outcome.Out));
        JsonElement limit = Assert.Single(run.Result.GetProperty("limits").EnumerateArray());
        Assert.Equal("memory", Reported.Text(limit, "which"));
        Assert.Equal(48 * Megabyte, limit.GetProperty("value").GetInt64());
        Assert.Contains("python", Reported.Text(limit, "program"), StringComparison.Ordinal);
        JsonElement told = Assert.Single(run.Named("limit"));
        Assert.Equal(limit.GetProperty("pid").GetInt32(), told.GetProperty("pid").GetInt32());
        Assert.Contains("resources.memory of 50331648 bytes was used up", run.Outcome.Err, StringComparison.Ordinal);
        JsonElement group = run.Result.GetProperty("cgroup");
        Assert.InRange(group.GetProperty("memory_peak").GetInt64(), 40 * Megabyte, 48 * Megabyte);
        Assert.Equal(1, group.GetProperty("oom_kills").GetInt64());
        Assert.Contains("memory", Names(run.Result, "enforced"));
        NothingLeft();
    }

    [NeedsCgroupFact]
    public void A_command_that_runs_out_of_memory_is_told_from_one_that_was_killed()
    {
        using var place = new Workplace();
        string[] options = ["-p", "build", "--set", "resources.memory=48M"];
        Reported run = Reported.Run(place, options, "dash", "-c", Hungry + "; exit 3", "x", "20");
        Assert.Equal((3, "ate\n"), (run.Outcome.Status, run.Outcome.Out));
        Assert.Empty(run.Result.GetProperty("limits").EnumerateArray());
        run = Reported.Run(
            place, options, "dash", "-c",
            "exec dash -c 'x=x; while :; do x=$x$x; done'");
        Assert.Equal(137, run.Outcome.Status);
        Assert.StartsWith(
            "SIGKILL; resources.memory of", Reported.Text(run.Result, "reason"), StringComparison.Ordinal);
        run = Reported.Run(place, options, "dash", "-c", "kill -9 $$");
        Assert.Equal("SIGKILL", Reported.Text(run.Result, "reason"));
        NothingLeft();
    }

    [NeedsCgroupFact]
    public void A_run_gets_its_processors_and_is_told_of_no_more()
    {
        using var place = new Workplace();
        Reported run = Reported.Run(
            place, ["-q", "-p", "processes", "--set", "resources.cpu=0.2"], "dash", "-c",
            "nproc; timeout 1 dash -c 'while :; do :; done'");
        Assert.Equal("1\n", run.Outcome.Out);
        JsonElement group = run.Result.GetProperty("cgroup");
        Assert.True(group.GetProperty("throttled_ns").GetInt64() > 0);

        // What it was given, not how fast it was: a fifth of its second, and a period more.
        Assert.InRange(run.Result.GetProperty("cpu_ns").GetInt64(), 1, 600_000_000);
        NothingLeft();
    }

    [NeedsCgroupFact]
    public void A_guest_cannot_leave_its_group()
    {
        using var place = new Workplace();
        const string leave = "for f in $(find /sys/fs/cgroup -name cgroup.procs); do "
            + "{ echo $$ > $f; } 2>/dev/null && echo left $f; done; grep -E '^0:|:memory:' /proc/self/cgroup";
        Outcome run = Product.Run(
            place, ["-q", "-p", "build", "--set", "resources.memory=64M"],
            "dash", "-c", leave);

        // Outside of its namespace of groups it would be told of by "/..".
        Assert.All(run.Out.Trim().Split('\n'), line => Assert.EndsWith(":/", line, StringComparison.Ordinal));
        NothingLeft();
    }

    [NeedsCgroupFact]
    public void Runs_at_once_have_groups_of_their_own()
    {
        using var place = new Workplace();
        int[] sizes = [24, 40, 56, 72];
        Outcome[] runs = [.. sizes.AsParallel().AsOrdered().WithDegreeOfParallelism(sizes.Length).Select(
            size => Product.Run(
                place, ["-q", "-p", "processes", "--set", $"resources.memory={size}M"], "dash", "-c",
                Hungry, "x", "48"))];
        Assert.Equal(["", "", "ate\n", "ate\n"], runs.Select(r => r.Out));
        NothingLeft();
    }

    [NeedsCgroupFact]
    public void A_group_goes_with_its_run_however_that_ends()
    {
        using var place = new Workplace();
        string[] options = ["-q", "-p", "processes", "--set", "resources.memory=64M"];
        Assert.Equal(127, Product.Run(place, options, "/no/such/program").Status);
        Assert.Equal(0, Product.Run(place, options, "dash", "-c", "sleep 60 & exit 0").Status);
        Assert.Equal(124, Product.Run(
            place, [.. options, "--set", "resources.wall=300ms"],
            "dash", "-c", "trap '' TERM; sleep 60 & wait").Status);
        Assert.Equal(125, Product.Run(
            place, [.. options, "--set", "isolation.hostname=x", "--set", "isolation.namespaces=[uts]",
                "--fail-launch-step", "3:ENOMEM"], "true").Status);
        NothingLeft();
    }

    [Fact]
    public void A_limit_that_cannot_be_had_is_an_error_unless_the_policy_lets_it_go()
    {
        // Within a mount namespace where no cgroup is in sight.
        using var place = new Workplace();
        string file = place.File("none.sh");
        File.WriteAllText(
            file, $"""
            mount -t tmpfs none /sys/fs/cgroup || exit 77
            {Product.Sandbox} run -p processes --set resources.memory=64M -- echo ran
            echo $?
            {Product.Sandbox} run -p processes --set resources.memory=64M --set resources.cpu=1 \
                --set 'degrade=[memory, cpu]' --result {place.File("r")} -- echo ran
            echo $?
            """);
        Outcome run = Shell.Run("/", null, "unshare", "-Urm", "dash", file);
        Assert.Equal("125\nran\n0\n", run.Out);
        Assert.Contains(
            "sandbox: resources.memory: cannot ", run.Err, StringComparison.Ordinal);
        Assert.Contains("'degrade: [memory]'", run.Err, StringComparison.Ordinal);
        Assert.Contains("sandbox: runs without cpu: ", run.Err, StringComparison.Ordinal);
        JsonElement result = JsonDocument.Parse(File.ReadAllText(place.File("r"))).RootElement;
        Assert.Equal(["memory", "cpu"], Names(result, "degraded"));
        Assert.DoesNotContain("memory", Names(result, "enforced"));
    }

    [Fact]
    public void A_run_that_does_nothing_ends_and_one_that_does_little_goes_on()
    {
        using var place = new Workplace();
        string[] options = ["-q", "-p", "processes", "--set", "resources.idle=400ms"];
        Reported run = Reported.Run(place, options, "dash", "-c", "sleep 60; echo no");
        Assert.Equal((124, ""), (run.Outcome.Status, run.Outcome.Out));
        Assert.Equal("timed_out", Reported.Text(run.Result, "status"));
        Assert.Contains("resources.idle", Reported.Text(run.Result, "reason"), StringComparison.Ordinal);

        // Little, but more often than that: by one process, and by one thread of a process.
        const string little = "import threading,time\n"
            + "t=threading.Thread(target=lambda: [time.sleep(.05) for i in range(30)])\nt.start()\nt.join()";
        Assert.Equal(0, Product.Run(
            place, options, "dash", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1; done").Status);
        Assert.Equal(0, Product.Run(place, options, "python3", "-c", little).Status);
    }

    [Theory]
    [InlineData("300ms", "60s", "resources.wall")]
    [InlineData("60s", "300ms", "")]
    public void The_shorter_of_two_times_decides(string wall, string timeout, string named)
    {
        using var place = new Workplace();
        Reported run = Reported.Run(
            place, ["-q", "-p", "processes", "--set", $"resources.wall={wall}", "--timeout", timeout], "sleep", "60");
        Assert.Equal(124, run.Outcome.Status);
        string reason = Reported.Text(run.Result, "reason");
        Assert.StartsWith("time-out after 00:00:00.3", reason, StringComparison.Ordinal);
        Assert.Equal(named.Length > 0, reason.Contains("resources.wall", StringComparison.Ordinal));
    }

    [Fact]
    public void Processor_time_is_counted_once()
    {
        using var place = new Workplace();
        File.WriteAllText(
            place.File("n0"), "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done");
        for (int n = 1; n <= 3; n++)
        {
            File.WriteAllText(place.File($"n{n}"), $"dash {place.File($"n{n - 1}")}; :");
        }

        Reported one = Reported.Run(place, ["-q", "-p", "processes"], "dash", place.File("n0"));
        Reported nested = Reported.Run(place, ["-q", "-p", "processes"], "dash", place.File("n3"));
        double ratio = (double)nested.Result.GetProperty("cpu_ns").GetInt64()
            / one.Result.GetProperty("cpu_ns").GetInt64();

        // Each of three parents waited for its child: counted again it would be four times.
        Assert.InRange(ratio, 0.4, 2.5);
    }

    private static string[] Names(JsonElement result, string list) =>
        [.. result.GetProperty(list).EnumerateArray().Select(e => e.GetString()!)];

    /// <summary>No group of a run of this test is left.</summary>
    private static void NothingLeft() => Assert.All(
        NeedsCgroupFactAttribute.Places()!,
        place => Assert.Empty(Directory.GetDirectories(place, "sandbox-*")));
}
