using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;
using Conformance.Harness;

namespace Conformance;

/// <summary>What a run writes to its standard output and error, counted and cut off.</summary>
[Collection("engine")]
public sealed class OutputTests
{
    private static readonly string[] Plenty = ["-q", "-p", "processes", "--set", "resources.output=64M"];

    private static readonly string[] Megabyte = ["-p", "processes", "--set", "resources.output=1M"];

    /// <summary>Order, ends and readers, by a shell in which RUN is the sandbox or nothing.</summary>
    [Theory]
    [InlineData("$RUN sh -c 'for i in 1 2 3 4 5 6 7 8 9; do echo o$i; echo e$i >&2; done; exit 7' 2>&1; echo st=$?")]
    [InlineData("$RUN sh -c 'echo o; echo e >&2' >o 2>e; cat o e; $RUN sh -c 'echo o; echo e >&2' >>o 2>&1; cat o")]
    [InlineData("$RUN head -c 3000000 /dev/zero | sha1sum")]
    [InlineData("($RUN head -c 300000 /dev/zero; echo st=$?) | (sleep 0.5; sha1sum)")]
    [InlineData("{ $RUN yes; echo st=$? >&2; } | head -n 1")]
    [InlineData("$RUN sh -c '(sleep 0.2; echo late) & exit 3' 2>/dev/null & wait $!; echo st=$?")]
    [InlineData("$RUN sh -c 'echo x >&-; echo y >&2' 2>&1 >&-; echo st=$?")]
    [InlineData("$RUN sh -c 'echo again >/dev/stdout; echo err >/dev/stderr' 2>&1 | cat")]
    [InlineData("echo in | $RUN sh -c 'read x; echo got $x; exit 9'; echo st=$?")]
    public void What_is_below_the_limit_is_as_natively(string script)
    {
        string sandbox = string.Join(' ', [Product.Sandbox, "run", .. Plenty, "--"]);
        Outcome native = Shelled(script, string.Empty);
        Outcome run = Shelled(script, sandbox);

        // What a command leaves running ends with it: that is no matter of output.
        string expected = native.Out.Replace("late\n", string.Empty, StringComparison.Ordinal);
        Assert.Equal((native.Status, expected, native.Err), (run.Status, run.Out, run.Err));
    }

    [Theory]
    [InlineData("yes")]
    [InlineData("yes >&2")]
    [InlineData("yes & yes >&2 & wait")]
    [InlineData("trap '' PIPE TERM; while :; do echo on and on; done")]
    [InlineData("head -c 1048577 /dev/zero; exit 3")]
    public void A_flood_is_cut_off_at_the_limit_and_the_result_says_so(string script)
    {
        using var place = new Workplace();
        Reported run = Reported.Run(place, Megabyte, "sh", "-c", script);
        string told = run.Outcome.Err[run.Outcome.Err.IndexOf("sandbox: ", StringComparison.Ordinal)..];
        Assert.Equal(137, run.Outcome.Status);
        Assert.Equal(1 << 20, run.Outcome.Out.Length + run.Outcome.Err.Length - told.Length);
        Assert.Equal("sandbox: sh: ended: resources.output of 1048576 bytes was used up\n", told);
        Assert.Equal("violation", Reported.Text(run.Result, "status"));
        JsonElement limit = Assert.Single(run.Result.GetProperty("limits").EnumerateArray());
        Assert.Equal(("output", 1 << 20), (Reported.Text(limit, "which"), limit.GetProperty("value").GetInt32()));
        Assert.Single(run.Named("limit"));
        Assert.Contains("output", run.Result.GetProperty("enforced").EnumerateArray().Select(e => e.GetString()));
    }

    [Fact]
    public void What_fits_exactly_is_no_flood()
    {
        using var place = new Workplace();
        Reported run = Reported.Run(place, Megabyte, "head", "-c", "1048576", "/dev/zero");
        Assert.Equal((0, 1 << 20), (run.Outcome.Status, run.Outcome.Out.Length));
        Assert.Empty(run.Result.GetProperty("limits").EnumerateArray());
    }

    /// <summary>Its command is over and its output not yet read, of which two pipes hold 128 KiB.</summary>
    [Theory]
    [InlineData("resources.wall=2s", 124)]
    [InlineData("resources.nice=0", 0)]
    public void A_reader_who_does_not_read_holds_no_run_for_ever(string limit, int status)
    {
        using var place = new Workplace();
        using Process run = Shell.Start(
            place.Path,
            [
                Product.Sandbox, "run", .. Plenty, "--set", limit, "--", "sh", "-c",
                "head -c 120000 /dev/zero; echo over >over",
            ]);
        Assert.True(System.Threading.SpinWait.SpinUntil(() => File.Exists(place.File("over")), Shell.Patience));
        if (status == 0)
        {
            Assert.Equal(0, Product.Call(place, "kill", $"{run.Id}").Status);
        }

        Assert.True(run.WaitForExit(Shell.Patience));
        Assert.Equal(status, run.ExitCode);
    }

    [Fact]
    public void What_cannot_be_counted_is_an_error_unless_the_policy_lets_it_go()
    {
        using var place = new Workplace();
        string line = $"{Product.Sandbox} run -p processes --set resources.output=1M";
        Outcome terminal = Shell.Run(place.Path, null, "script", "-qec", $"{line} -- echo ran", "/dev/null");
        Assert.Equal(125, terminal.Status);
        Assert.Contains("descriptor 1 is a terminal", terminal.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("ran\r\n", terminal.Out, StringComparison.Ordinal);
        terminal = Shell.Run(
            place.Path, null, "script", "-qec", $"{line} --set degrade=output -- sh -c 'test -t 1 && echo ran'", "/dev/null");
        Assert.Equal(0, terminal.Status);
        Assert.Contains("ran\r\n", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("runs without output: descriptor 1 is a terminal", terminal.Out, StringComparison.Ordinal);
        Outcome both = Shell.Run(place.Path, null, "sh", "-c", $"exec 1<>file 0<&1; {line} -- echo ran");
        Assert.Equal(125, both.Status);
        Assert.Contains("descriptor 0 is the same file as 1", both.Err, StringComparison.Ordinal);
    }

    /// <summary>Where root starts it the guest is another user, who may open what it was given.</summary>
    [Fact]
    public void A_guest_may_open_its_output_once_more()
    {
        using var place = new Workplace();
        File.SetUnixFileMode(place.Path, (UnixFileMode)0x1ed);
        Outcome run = Product.Run(
            place, ["-q", "-p", "default", "--set", "resources.output=1M"], "sh", "-c", "echo again > /dev/stdout");
        Assert.Equal((0, "again\n", ""), (run.Status, run.Out, run.Err));
    }

    private static Outcome Shelled(string script, string run)
    {
        using var place = new Workplace();
        return Shell.Run(place.Path, null, "env", $"RUN={run}", "sh", "-c", script);
    }
}
