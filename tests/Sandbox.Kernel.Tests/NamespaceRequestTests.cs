using System;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Rules;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>unshare and setns: the closed call, the kernel's rule, the policy.</summary>
public sealed class NamespaceRequestTests
{
    private const ulong Unnamed = 0x4000_0000_0000;

    [Fact]
    public void A_closed_call_gives_its_errno_whatever_it_asks()
    {
        Policy policy = VerdictTests.Load("entry: {unshare: EUSERS, setns: ENOSPC}");
        foreach (ulong flags in new ulong[] { 0, CLONE_NEWUSER, CLONE_VM, Unnamed, ulong.MaxValue })
        {
            Refusal unshare = Judge(policy, EntryPoint.Unshare, flags, 0, out _)!.Value;
            Assert.Equal(
                (Errno.EUSERS, RefusedBy.Policy, "creation.entry.unshare"),
                (unshare.Errno, unshare.By, unshare.Rule));
            Refusal setns = Judge(policy, EntryPoint.Setns, 3, flags, out _)!.Value;
            Assert.Equal((Errno.ENOSPC, "creation.entry.setns"), (setns.Errno, setns.Rule));
            Assert.Equal("t.yaml", setns.Origin!.File);
        }
    }

    [Fact]
    public void An_unknown_flag_is_the_kernels_EINVAL_before_the_policy_is_asked()
    {
        Policy policy = VerdictTests.Load("deny: {CLONE_NEWUSER: EUSERS}");
        for (int i = 0; i < 64; i++)
        {
            ulong bit = 1UL << i;
            bool known = (bit & UnshareRules.Valid) != 0;
            Refusal refusal = Judge(policy, EntryPoint.Unshare, bit | CLONE_NEWUSER, 0, out _)!.Value;
            Assert.Equal(known ? Errno.EUSERS : Errno.EINVAL, refusal.Errno);
            Assert.Equal(known ? RefusedBy.Policy : RefusedBy.KernelRule, refusal.By);
            Assert.Equal(known ? CLONE_NEWUSER : 0, refusal.Decisive);
        }
    }

    [Fact]
    public void Flags_that_only_end_sharing_need_no_permission()
    {
        Policy policy = VerdictTests.Load(
            "deny: {'@share': EUSERS, '@namespaces': ENOSPC}, strip: [CLONE_NEWUTS]", "default");
        const ulong Sharing = CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_VM | CLONE_SIGHAND
            | CLONE_THREAD;
        Assert.Null(Judge(policy, EntryPoint.Unshare, Sharing, 0, out ulong runs));
        Assert.Equal(Sharing, runs);
        Assert.Null(Judge(policy, EntryPoint.Unshare, 0, 0, out runs));
        Assert.Equal(0u, runs);
        Assert.Equal(
            Errno.ENOSPC, Judge(policy, EntryPoint.Unshare, Sharing | CLONE_NEWNET, 0, out _)?.Errno);
    }

    [Fact]
    public void Namespaces_are_stripped_from_it_but_none_is_required_of_it()
    {
        Policy policy = VerdictTests.Load("strip: [CLONE_NEWUTS], require: [CLONE_NEWNS]");
        Assert.Null(Judge(
            policy, EntryPoint.Unshare, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_FS, 0, out ulong runs));
        Assert.Equal(CLONE_NEWIPC | CLONE_FS, runs);
    }

    [Fact]
    public void An_open_setns_runs_with_its_descriptor_and_says_what_opened_it()
    {
        Policy policy = VerdictTests.Load("entry: {setns: allow}", "default");
        var request = new NamespaceRequest(EntryPoint.Setns, new HostTid(1), 7, CLONE_NEWNET);
        Assert.Null(request.Judge(
            policy.Creation, new DecisionCache(policy.Creation), out ulong runs,
            out CreationDecision decision));
        Assert.Equal(7u, runs);
        Assert.Equal(CLONE_NEWNET, request.Flags);
        Assert.Equal(("creation.entry.setns", "t.yaml"), (decision.Key, decision.Origin.File));
    }

    [Fact]
    public void Of_random_policies_the_verdict_is_that_of_DecideUnshare()
    {
        var random = new Random(11);
        foreach (Policy policy in RandomPolicies.Some(12, 100))
        {
            var cache = new DecisionCache(policy.Creation);
            for (int i = 0; i < 200; i++)
            {
                ulong flags = (ulong)random.NextInt64() & UnshareRules.Valid;
                flags &= (ulong)random.NextInt64() & (ulong)random.NextInt64();
                Refusal? refusal = new NamespaceRequest(
                    EntryPoint.Unshare, new HostTid(1), flags, 0)
                    .Judge(policy.Creation, cache, out ulong runs, out CreationDecision told);
                CreationDecision decision = policy.Creation.DecideUnshare(flags);
                Errno gate = policy.Creation.Entry(EntryPoint.Unshare).Value;
                Assert.Equal(
                    gate != Errno.None ? gate : decision.Errno, refusal?.Errno ?? Errno.None);
                Assert.True(refusal is not null || runs == (flags & ~decision.Stripped));
                Assert.True(gate != Errno.None || told == decision);
            }
        }
    }

    private static Refusal? Judge(
        Policy policy, EntryPoint entry, ulong first, ulong second, out ulong runs) =>
        new NamespaceRequest(entry, new HostTid(1), first, second).Judge(
            policy.Creation, new DecisionCache(policy.Creation), out runs, out _);
}
