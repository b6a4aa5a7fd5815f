using System;
using System.Linq;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Policies.Tests;

/// <summary>What policies say, and how their keys are read.</summary>
public sealed class PolicyTests
{
    [Fact]
    public void Permissive_allows_every_flag_and_strips_what_would_hide_a_task()
    {
        CreationDecision decision = BuiltinPolicies.Permissive.Creation.Decide(
            EntryPoint.Clone, CLONE_VM | CLONE_UNTRACED | CLONE_PTRACE | CLONE_NEWUSER);
        Assert.True(decision.Allowed);
        Assert.Equal(CLONE_UNTRACED | CLONE_PTRACE, decision.Stripped);
    }

    [Fact]
    public void Strict_allows_the_launch_alone()
    {
        CreationPolicy strict = BuiltinPolicies.Strict.Creation;
        Assert.True(strict.Decide(EntryPoint.Launch, 0).Allowed);
        Assert.Equal(Errno.EPERM, strict.Decide(EntryPoint.Fork, 0).Errno);
        Assert.Equal(Errno.EPERM, strict.Decide(EntryPoint.Clone3, CLONE_THREAD).Errno);
    }

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

    [Theory]
    [InlineData("creation.limits.tasks=10")]
    [InlineData("resources.open_files=64")]
    [InlineData("resources.cpu_time=10s")]
    [InlineData("resources.affinity=0,2-3")]
    [InlineData("resources.scheduler=idle")]
    public void Known_keys_are_set(string setting)
    {
        Policy policy = BuiltinPolicies.Permissive;
        Assert.Null(PolicySettings.Apply(ref policy, setting));
        Assert.NotEqual(BuiltinPolicies.Permissive, policy);
    }

    [Theory]
    [InlineData("resources.memory=1G", "not enforced")]
    [InlineData("creation.limits.tasks=0", "from 1")]
    [InlineData("resources.affinity=3-1", "CPU numbers")]
    [InlineData("resources.affinity=", "CPU numbers")]
    [InlineData("resources.cpu_time=1500ms", "whole seconds")]
    [InlineData("resources.nice=x", "-20 to 19")]
    [InlineData("nothing", "KEY=VALUE")]
    public void Wrong_settings_say_what_would_be_right(string setting, string said)
    {
        Policy policy = BuiltinPolicies.Permissive;
        string? error = PolicySettings.Apply(ref policy, setting);
        Assert.Contains(said, error!, StringComparison.Ordinal);
        Assert.Equal(BuiltinPolicies.Permissive, policy);
    }

    [Fact]
    public void Every_flag_has_one_name_and_unknown_bits_are_shown()
    {
        Assert.Equal(["CLONE_VM", "CLONE_THREAD"], CloneFlagNames.Of(CLONE_VM | CLONE_THREAD));
        Assert.Equal(["0x8000000000"], CloneFlagNames.Of(1UL << 39));
        Assert.Equal(27, CloneFlagNames.Of(ulong.MaxValue & 0x3_ffff_ff80).Distinct().Count());
    }
}
