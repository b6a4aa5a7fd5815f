using System;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Policies.Tests;

/// <summary>What a policy says of single requests.</summary>
public sealed class DecisionTests
{
    private const ulong Thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
        | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

    private const ulong ForkOfLibc = CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID;
    private const ulong Spawn = CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND;

    [Theory]
    [InlineData("@fork", 0UL, true)]
    [InlineData("@fork", ForkOfLibc, true)]
    [InlineData("@fork", Spawn, false)]
    [InlineData("@fork", Thread, false)]
    [InlineData("@fork", CLONE_VM, false)]
    [InlineData("@vfork", Spawn, true)]
    [InlineData("@vfork", CLONE_VFORK, true)]
    [InlineData("@vfork", 0UL, false)]
    [InlineData("@vfork", Spawn | CLONE_FILES, false)]
    [InlineData("@thread", Thread, true)]
    [InlineData("@thread", Thread | CLONE_VFORK, false)]
    [InlineData("@thread", Thread | CLONE_DETACHED, true)]
    [InlineData("@thread", 0UL, false)]
    [InlineData("@thread", CLONE_VM | CLONE_FS, false)]
    [InlineData("@all", CLONE_IO | CLONE_NEWNS, true)]
    [InlineData("@all", 1UL << 40, false)]
    public void A_shape_opens_one_kind_of_task_with_its_own_flags(
        string group, ulong flags, bool allowed)
    {
        CreationDecision decision = Texts.Creation($"allow: ['{group}']").Decide(flags);
        Assert.Equal(allowed, decision.Allowed);
        Assert.Equal(allowed ? Errno.None : Errno.EPERM, decision.Errno);
        Assert.Equal(allowed ? "creation.allow" : "creation.otherwise", decision.Key);
        Assert.Equal(allowed ? "p.yaml:3:11" : "default of the model", decision.Origin.ToString());
    }

    [Fact]
    public void The_flag_of_a_shape_opens_it_when_the_shape_is_not_named()
    {
        CreationPolicy policy = Texts.Creation("allow: [CLONE_VFORK, CLONE_THREAD]");
        Assert.True(policy.Decide(Spawn).Allowed);
        Assert.True(policy.Decide(Thread).Allowed);
        Assert.False(policy.Decide(0).Allowed);
        CreationPolicy denied = Texts.Creation("{allow: [CLONE_VFORK], deny: {'@vfork': EIO}}");
        Assert.Equal(Errno.EIO, denied.Decide(Spawn).Errno);
    }

    [Fact]
    public void A_denied_shape_goes_before_denied_flags()
    {
        CreationDecision decision = Texts.Creation(
            "{allow: ['@all'], deny: {'@thread': ENOSYS, CLONE_VM: EIO}}").Decide(Thread);
        Assert.Equal(
            new(Errno.ENOSYS, 0, 0, "creation.deny", decision.Origin, CLONE_THREAD), decision);
        Assert.Equal("p.yaml:3:28", decision.Origin.ToString());
    }

    [Fact]
    public void Of_several_denied_flags_the_lowest_bit_gives_the_errno()
    {
        CreationPolicy policy = Texts.Creation(
            "{allow: ['@all'], deny: {CLONE_NEWUSER: EIO, CLONE_NEWNS: EINVAL, CLONE_NEWTIME: ENOSPC}}");
        Assert.Equal(Errno.EIO, policy.Decide(CLONE_NEWUSER | CLONE_FS).Errno);
        Assert.Equal(Errno.EINVAL, policy.Decide(CLONE_NEWUSER | CLONE_NEWNS).Errno);
        CreationDecision all = policy.Decide(CloneFlags.Namespaces);
        Assert.Equal(Errno.ENOSPC, all.Errno);
        Assert.Equal(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWTIME, all.Decisive);
        Assert.Equal("p.yaml:3:69", all.Origin.ToString());
        Assert.Equal(Errno.EINVAL, policy.DecideUnshare(CLONE_NEWUSER | CLONE_NEWNS).Errno);
    }

    [Fact]
    public void A_denied_flag_goes_before_a_shape_and_flags_that_are_not_named()
    {
        CreationPolicy policy = Texts.Creation("{otherwise: EACCES, deny: {CLONE_NEWNS: EIO}}");
        Assert.Equal(Errno.EIO, policy.Decide(CLONE_NEWNS | CLONE_IO).Errno);
        CreationDecision shape = policy.Decide(CLONE_IO | CLONE_VFORK);
        Assert.Equal((Errno.EACCES, CLONE_VFORK), (shape.Errno, shape.Decisive));
    }

    [Fact]
    public void Flags_that_are_not_named_get_otherwise()
    {
        CreationPolicy policy = Texts.Creation("{allow: ['@fork', CLONE_FS], otherwise: EACCES}");
        CreationDecision decision = policy.Decide(CLONE_FS | CLONE_IO | CLONE_FILES);
        Assert.Equal(
            new(Errno.EACCES, 0, 0, "creation.otherwise", decision.Origin, CLONE_IO | CLONE_FILES),
            decision);
        Assert.Equal("p.yaml:3:43", decision.Origin.ToString());
    }

    [Fact]
    public void Stripped_flags_are_taken_out()
    {
        CreationDecision decision = Texts.Creation(
            "{allow: ['@thread'], strip: [CLONE_FS, CLONE_NEWNS, CLONE_IO]}").Decide(Thread | CLONE_IO);
        Assert.True(decision.Allowed);
        Assert.Equal(CLONE_FS | CLONE_IO, decision.Stripped);
    }

    [Theory]
    [InlineData("allow: ['@fork']")]
    [InlineData("allow: ['@all']")]
    public void Flags_that_hide_a_task_are_stripped_under_every_policy(string keys)
    {
        CreationDecision decision = Texts.Creation(keys).Decide(CLONE_UNTRACED | CLONE_PTRACE);
        Assert.True(decision.Allowed);
        Assert.Equal(CLONE_UNTRACED | CLONE_PTRACE, decision.Stripped);
    }

    [Fact]
    public void A_flag_that_hides_a_task_can_be_denied() => Assert.Equal(
        Errno.EIO,
        Texts.Creation("{allow: ['@all'], deny: {CLONE_PTRACE: EIO}}").Decide(CLONE_PTRACE).Errno);

    [Fact]
    public void Required_flags_are_added_to_processes_only()
    {
        CreationPolicy policy = Texts.Creation(
            "{allow: ['@all'], require: [CLONE_NEWUTS, CLONE_NEWNET]}");
        Assert.Equal(CLONE_NEWUTS | CLONE_NEWNET, policy.Decide(0).Added);
        Assert.Equal(CLONE_NEWNET, policy.Decide(CLONE_NEWUTS).Added);
        Assert.Equal(CLONE_NEWUTS | CLONE_NEWNET, policy.Decide(Spawn).Added);
        Assert.Equal(0UL, policy.Decide(Thread).Added);
        Assert.Equal(0UL, policy.DecideUnshare(CLONE_NEWNS).Added);
    }

    [Fact]
    public void A_required_flag_is_added_although_guests_may_not_ask_for_it()
    {
        CreationPolicy policy = Texts.Creation(
            "{allow: ['@fork'], strip: [CLONE_NEWUTS], require: [CLONE_NEWUTS]}");
        CreationDecision decision = policy.Decide(CLONE_NEWUTS);
        Assert.Equal((CLONE_NEWUTS, CLONE_NEWUTS), (decision.Stripped, decision.Added));
        Assert.Equal(Errno.EPERM, Texts.Creation(
            "{allow: ['@fork'], require: [CLONE_NEWUTS]}").Decide(CLONE_NEWUTS).Errno);
    }

    [Theory]
    [InlineData("CLONE_NEWNS", CLONE_FS, CLONE_NEWNS)]
    [InlineData("CLONE_NEWUSER", CLONE_FS, CLONE_NEWUSER)]
    [InlineData("CLONE_NEWIPC", CLONE_SYSVSEM, CLONE_NEWIPC)]
    [InlineData("CLONE_NEWIPC", CLONE_FS, 0UL)]
    [InlineData("CLONE_NEWNS", CLONE_SYSVSEM, 0UL)]
    [InlineData("CLONE_NEWNS", CLONE_FS | CLONE_NEWNS, 0UL)]
    [InlineData("CLONE_NEWNS, CLONE_NEWIPC", CLONE_FS | CLONE_SYSVSEM, CLONE_NEWNS)]
    public void What_the_kernel_forbids_beside_a_required_flag_gets_otherwise(
        string required, ulong flags, ulong clash)
    {
        CreationDecision decision = Texts.Creation(
            $"{{allow: ['@all'], otherwise: EBUSY, require: [{required}]}}").Decide(flags);
        Assert.Equal(clash == 0 ? Errno.None : Errno.EBUSY, decision.Errno);
        Assert.Equal(clash, decision.Decisive);
        Assert.Equal(clash == 0 ? "creation.allow" : "creation.require", decision.Key);
        Assert.Equal(clash == 0 ? "p.yaml:3:12" : "p.yaml:3:49", decision.Origin.ToString());
    }

    [Fact]
    public void A_stripped_flag_clashes_with_nothing() => Assert.Equal(
        CLONE_NEWNS,
        Texts.Creation("{allow: ['@fork'], strip: [CLONE_FS], require: [CLONE_NEWNS]}")
            .Decide(CLONE_FS).Added);

    [Fact]
    public void A_closed_call_gives_its_errno()
    {
        CreationPolicy policy = Texts.Creation("entry: {clone3: ENOSYS, setns: allow}");
        CreationDecision closed = Assert.NotNull(policy.DecideEntry(EntryPoint.Clone3));
        Assert.Equal(
            new(Errno.ENOSYS, 0, 0, "creation.entry.clone3", closed.Origin, 0), closed);
        Assert.Equal("p.yaml:3:19", closed.Origin.ToString());
        foreach (EntryPoint open in Enum.GetValues<EntryPoint>())
        {
            Assert.Equal(open == EntryPoint.Clone3, policy.DecideEntry(open) is not null);
        }

        Assert.Equal(Errno.EPERM, Texts.Creation("{}").DecideEntry(EntryPoint.Setns)!.Value.Errno);
    }

    [Fact]
    public void Unshare_is_judged_by_its_flags_of_namespaces_alone()
    {
        CreationPolicy policy = Texts.Creation(
            "{allow: [CLONE_NEWNS], strip: [CLONE_NEWUTS], deny: {CLONE_FS: EIO, CLONE_NEWPID: ENOSPC}}");
        Assert.Equal((Errno.None, 0UL), Of(policy.DecideUnshare(0)));
        Assert.Equal((Errno.None, 0UL), Of(policy.DecideUnshare(CLONE_FS | CLONE_FILES | 1UL << 40)));
        Assert.Equal((Errno.None, 0UL), Of(policy.DecideUnshare(CLONE_NEWNS | CLONE_FS)));
        Assert.Equal((Errno.None, CLONE_NEWUTS), Of(policy.DecideUnshare(CLONE_NEWUTS | CLONE_NEWNS)));
        Assert.Equal((Errno.ENOSPC, 0UL), Of(policy.DecideUnshare(CLONE_NEWPID | CLONE_NEWNET)));
        CreationDecision unnamed = policy.DecideUnshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_FS);
        Assert.Equal((Errno.EPERM, 0UL), Of(unnamed));
        Assert.Equal(("creation.otherwise", CLONE_NEWNET), (unnamed.Key, unnamed.Decisive));
        static (Errno Errno, ulong Stripped) Of(CreationDecision d) => (d.Errno, d.Stripped);
    }

    [Theory]
    [InlineData("default", ForkOfLibc, Errno.None)]
    [InlineData("default", Spawn, Errno.None)]
    [InlineData("default", Thread, Errno.None)]
    [InlineData("default", CLONE_NEWUSER, Errno.EPERM)]
    [InlineData("default", CLONE_PARENT, Errno.EPERM)]
    [InlineData("build", CLONE_VM | CLONE_PARENT, Errno.None)]
    [InlineData("build", CLONE_NEWNS, Errno.EPERM)]
    [InlineData("strict", 0UL, Errno.EPERM)]
    [InlineData("strict", Thread, Errno.EPERM)]
    [InlineData("permissive", CLONE_NEWUSER | CLONE_IO, Errno.None)]
    public void The_policies_that_ship_decide_as_they_say(string name, ulong flags, Errno expected) =>
        Assert.Equal(expected, BuiltinPolicies.Get(name).Creation.Decide(flags).Errno);

    [Fact]
    public void There_is_no_other_policy_that_ships() =>
        Assert.Throws<ArgumentException>(() => BuiltinPolicies.Get("none"));
}
