using System;
using System.Linq;
using static Interpose.Abi.Uapi;

namespace Policies.Tests;

/// <summary>Sizes, durations and the names of flags.</summary>
public sealed class UnitsAndNamesTests
{
    [Theory]
    [InlineData("0", 0UL)]
    [InlineData("4K", 4096UL)]
    [InlineData("2G", 2147483648UL)]
    public void Sizes_are_powers_of_1024(string text, ulong bytes)
    {
        Assert.True(Units.TrySize(text, out ulong value));
        Assert.Equal(bytes, value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("K")]
    [InlineData("-1")]
    [InlineData("1.5G")]
    [InlineData("99999999999T")]
    [InlineData("1k")]
    public void Other_sizes_are_refused(string text) => Assert.False(Units.TrySize(text, out _));

    [Theory]
    [InlineData("500ms", 0.5)]
    [InlineData("2s", 2)]
    [InlineData("1.5m", 90)]
    [InlineData("1h", 3600)]
    public void Durations_have_a_unit(string text, double seconds)
    {
        Assert.True(Units.TryDuration(text, out TimeSpan value));
        Assert.Equal(seconds, value.TotalSeconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("0s")]
    [InlineData("9999999h")]
    [InlineData("1d")]
    public void Other_durations_are_refused(string text) =>
        Assert.False(Units.TryDuration(text, out _));

    [Fact]
    public void Every_flag_has_one_name_and_unknown_bits_are_shown()
    {
        Assert.Equal(["CLONE_VM", "CLONE_THREAD"], CloneFlags.Of(CLONE_VM | CLONE_THREAD));
        Assert.Equal(["0x8000000000"], CloneFlags.Of(1UL << 39));
        Assert.Equal(27, CloneFlags.Of(ulong.MaxValue & 0x3_ffff_ff80).Distinct().Count());
    }
}
