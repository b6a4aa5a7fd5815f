using System;
using Interpose.Cgroups;
using Interpose.Placement;

namespace Interpose.Tests;

/// <summary>By its name a group tells whose it is.</summary>
public sealed class RunNameTests
{
    [Theory]
    [InlineData("sandbox-1-2", 1, 2)]
    [InlineData("sandbox-4194303-9223372036854775807", 4194303, long.MaxValue)]
    [InlineData("sandbox-1-2.supervisor", 1, 2)]
    public void A_name_is_read_as_it_is_written(string name, int pid, long start)
    {
        Assert.True(RunName.TryParse(name, out RunName run));
        Assert.Equal(new(pid, start), run);
        Assert.StartsWith(run.ToString(), name, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("sandbox-")]
    [InlineData("sandbox-1")]
    [InlineData("sandbox-1-")]
    [InlineData("sandbox--1")]
    [InlineData("sandbox-1-2-3")]
    [InlineData("sandbox-01-2")]
    [InlineData("sandbox-1-02")]
    [InlineData("sandbox-1-2x")]
    [InlineData("sandbox-1-+2")]
    [InlineData("sandbox- 1-2")]
    [InlineData("sandbox-1-2\n")]
    [InlineData("sandbox-0-2")]
    [InlineData("sandbox-1-0")]
    [InlineData("sandbox-../..")]
    [InlineData("sandbox-99999999999-1")]
    [InlineData("sandbox-1-99999999999999999999")]
    [InlineData("sandbox-\u0661-2")]
    [InlineData("Sandbox-1-2")]
    [InlineData("sandbox-1-2.supervisor.supervisor")]
    [InlineData(".supervisor")]
    public void Any_other_is_none(string name) => Assert.False(RunName.TryParse(name, out _));

    [Fact]
    public void No_other_process_of_an_id_is_the_one_that_is_meant()
    {
        RunName own = RunName.Own;
        Assert.Equal(Environment.ProcessId, own.Pid);
        Assert.True(own.IsAlive);
        Assert.False((own with { Start = own.Start - 1 }).IsAlive);
        Assert.False((own with { Start = own.Start + 1 }).IsAlive);

        // More than pid_max can be.
        Assert.False((own with { Pid = 1 << 23 }).IsAlive);
    }

    [Fact]
    public void What_follows_a_name_of_any_kind_is_read()
    {
        const string rest = " 7 1 1 0 -1 4194304 5 0 0 0 11 22 33 44 20 0 3 0 4242 1000 10 18446744073709551615";
        ProcessStat? stat = ProcessStat.Parse(9, "9 (a) S 1 (b\n) t" + rest);
        Assert.Equal(new(9, "a) S 1 (b\n", 't', 7, 110, 3, 4242, 40960), stat);
        Assert.Null(ProcessStat.Parse(9, "9 (a) S 1"));
        Assert.Null(ProcessStat.Parse(9, ""));
    }
}
