using System.CommandLine;
using Sandbox.Commands;
using Sandbox.Reports;

namespace Sandbox.Tests;

/// <summary>Where the sandbox's own options end.</summary>
public sealed class CommandSplitTests
{
    private static readonly Option[] Options =
        [new Option<string>("--policy", "-p"), new Option<bool>("-q"), new Option<string>("--env")];

    [Theory]
    [InlineData("run ls -l", "run -- ls -l")]
    [InlineData("run -q ls -q", "run -q -- ls -q")]
    [InlineData("run -p strict ls", "run -p strict -- ls")]
    [InlineData("run -pstrict ls", "run -pstrict -- ls")]
    [InlineData("run -qp strict ls", "run -qp strict -- ls")]
    [InlineData("run --policy=strict ls --env x", "run --policy=strict -- ls --env x")]
    [InlineData("run -- -q", "run -- -q")]
    [InlineData("run -q", "run -q")]
    public void The_command_begins_at_the_first_word_that_is_no_option(string given, string marked)
    {
        string[] args = CommandSplit.Mark(Options, given.Split(' '), out string? unknown);
        Assert.Equal(marked, string.Join(' ', args));
        Assert.Null(unknown);
    }

    [Theory]
    [InlineData("run --polcy x ls", "--polcy")]
    [InlineData("run -z ls", "-z")]
    public void Unknown_options_are_named(string given, string expected)
    {
        CommandSplit.Mark(Options, given.Split(' '), out string? unknown);
        Assert.Equal(expected, unknown);
    }

    [Fact]
    public void Quantiles_are_right_to_about_six_percent()
    {
        var latency = new Latency();
        for (int i = 1; i <= 10_000; i++)
        {
            latency.Add(i * 100);
        }

        Assert.InRange(latency.Quantile(0.5), 500_000 * 0.93, 500_000);
        Assert.InRange(latency.Quantile(0.99), 990_000 * 0.93, 990_000);
        Assert.Equal(10_000, latency.Count);
        Assert.Equal(0, new Latency().Quantile(0.5));
        latency.Add(long.MaxValue);
        Assert.InRange(latency.Quantile(1), long.MaxValue * 0.93, long.MaxValue);
    }
}
