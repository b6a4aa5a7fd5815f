using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Rules;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>Rules that only some kernels have.</summary>
public sealed class KernelVersionTests
{
    private const ulong FourLevels = 0x7fff_ffff_f000;
    private const ulong FiveLevels = 0xff_ffff_ffff_f000;

    [Theory]
    [InlineData(6, 8, 12, Errno.EINVAL)]
    [InlineData(6, 9, 0, Errno.None)]
    [InlineData(7, 0, 0, Errno.None)]
    [InlineData(5, 15, 200, Errno.EINVAL)]
    public void A_pidfd_of_a_thread_is_refused_before_6_9(
        int major, int minor, int patch, Errno expected)
    {
        const ulong flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_PIDFD;
        RuleVerdict verdict = Clone(new(new(major, minor, patch)), flags, 0, 0);
        Assert.Equal(expected, verdict.Broken?.Errno ?? Errno.None);
    }

    [Theory]
    [InlineData(6, 12, 116, false)]
    [InlineData(6, 12, 117, true)]
    [InlineData(6, 12, 200, true)]
    [InlineData(6, 1, 0, false)]
    [InlineData(6, 1, 193, null)]
    [InlineData(6, 18, 44, false)]
    [InlineData(6, 18, 45, null)]
    [InlineData(6, 13, 0, null)]
    public void A_change_of_stable_series_is_known_only_where_it_was_seen(
        int major, int minor, int patch, bool? expected)
    {
        var request = new CloneRequest(
            EntryPoint.Setns, CLONE_NEWNS | CLONE_NEWUTS, 0, 0, 0, 0, 0, 0, 0, [], 0);
        RuleVerdict verdict = KernelRules.Judge(
            new(request, new Sharer(), new(new(major, minor, patch))));
        Assert.Equal(expected == true ? Errno.EINVAL : null, verdict.Broken?.Errno);
        Assert.Equal(expected is null, verdict.Unknown is not null);
    }

    [Theory]
    [InlineData(false, FourLevels - 1, Errno.None)]
    [InlineData(false, FourLevels, Errno.EPERM)]
    [InlineData(true, FourLevels, Errno.None)]
    [InlineData(true, FiveLevels - 1, Errno.None)]
    [InlineData(true, FiveLevels, Errno.EPERM)]
    public void A_thread_area_is_refused_from_the_end_of_the_addresses_on(
        bool fiveLevels, ulong tls, Errno expected)
    {
        HostFacts host = new(new(6, 18, 44), FiveLevels: fiveLevels);
        RuleVerdict verdict = Clone(host, CLONE_SETTLS, 0, tls);
        Assert.Equal(expected, verdict.Broken?.Errno ?? Errno.None);
    }

    [Theory]
    [InlineData(false, FourLevels, Errno.None)]
    [InlineData(false, FourLevels + 1, Errno.EINVAL)]
    [InlineData(true, FourLevels + 1, Errno.None)]
    [InlineData(true, FiveLevels + 1, Errno.EINVAL)]
    public void A_stack_may_reach_the_end_of_the_addresses(
        bool fiveLevels, ulong top, Errno expected)
    {
        HostFacts host = new(new(6, 18, 44), FiveLevels: fiveLevels);
        RuleVerdict verdict = Clone(host, 0, top - 4096, 0);
        Assert.Equal(expected, verdict.Broken?.Errno ?? Errno.None);
    }

    private static RuleVerdict Clone(HostFacts host, ulong flags, ulong stack, ulong tls)
    {
        var request = new CloneRequest(
            EntryPoint.Clone3, flags, 0, 0, 8, 0, stack, stack == 0 ? 0UL : 4096UL, tls, [], 0);
        return KernelRules.Judge(new(request, new Sharer(), host));
    }

    /// <summary>A privileged task that shares its fs, and sets its own namespaces.</summary>
    private sealed class Sharer : CallerFacts
    {
        public override bool? IsInit => false;

        public override bool? PidNamespacePending => false;

        public override bool? TimeNamespacePending => false;

        public override bool? ProcessLimitReached => false;

        public override bool? IsDeadline => false;

        public override bool? HasSysAdmin => true;

        public override bool? SharesFs => true;

        public override SetnsTarget? Setns => new(SetnsTargetKind.Process, 0, true, true, true);
    }
}
