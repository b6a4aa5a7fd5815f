using Interpose.Abi;
using Policies;
using Policies.Files;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Tasks;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>Namespaces are counted by the tasks in them, and lie as deep as they were made.</summary>
public sealed class NamespaceTallyTests
{
    private const ulong Child = (ulong)SIGCHLD;

    [Fact]
    public void A_namespace_is_there_as_long_as_a_task_is_in_it()
    {
        var world = new World(Policy("user: {max: 2}"));
        GuestTask a = world.Create(CLONE_NEWUSER | Child);
        GuestTask b = world.Create(Child, a.Tid);
        GuestTask c = world.Create(CLONE_NEWUSER | Child);
        Assert.Equal(2, world.Pipeline.Namespaces.Live(NamespaceType.User));
        world.Table.Exit(a.Tid);
        Assert.Equal(2, world.Pipeline.Namespaces.Live(NamespaceType.User));
        world.Table.Exit(b.Tid);
        Assert.Equal(1, world.Pipeline.Namespaces.Live(NamespaceType.User));
        world.Create(CLONE_NEWUSER | Child);
        world.Table.Exit(c.Tid);
        Assert.Equal(1, world.Pipeline.Namespaces.Live(NamespaceType.User));
    }

    [Fact]
    public void A_call_waits_while_what_a_task_has_left_may_come_free()
    {
        const long second = 1_000_000_000;
        var world = new World(Policy("user: {max: 2}, uts: {max: 1}")) { Now = 10 * second };
        NamespaceTally tally = world.Pipeline.Namespaces;
        Assert.False(tally.MayComeFree(CLONE_NEWUSER));
        GuestTask a = world.Create(CLONE_NEWUSER | Child);
        Refuse(world, CLONE_NEWUSER, Errno.ENOSPC);
        Assert.False(tally.MayComeFree(CLONE_NEWUSER));
        world.Table.Exit(a.Tid);
        Assert.True(tally.MayComeFree(CLONE_NEWUSER | CLONE_NEWNET));
        Assert.False(tally.MayComeFree(CLONE_NEWUTS | CLONE_NEWNET));
        world.Now += 2 * second - 1;
        Refuse(world, CLONE_NEWUSER, Errno.ENOSPC);
        Assert.True(tally.MayComeFree(CLONE_NEWUSER));
        world.Now++;
        Assert.False(tally.MayComeFree(CLONE_NEWUSER));
    }

    [Theory]
    [InlineData(CLONE_NEWUSER, Errno.ENOSPC, "creation.namespaces.user.max")]
    [InlineData(CLONE_NEWUTS, Errno.ENOSPC, "creation.namespaces.uts.max")]
    [InlineData(CLONE_NEWUSER | CLONE_NEWUTS, Errno.ENOSPC, "creation.namespaces.uts.max")]
    [InlineData(CLONE_NEWNET, Errno.ENOSPC, "kernel")]
    [InlineData(CLONE_NEWUTS, Errno.ENOMEM, "kernel")]
    public void What_the_kernel_refuses_is_the_limit_that_is_nearest(ulong types, Errno errno, string rule)
    {
        var world = new World(Policy("user: {max: 5}, uts: {max: 2}, net: {depth: 3}"));
        world.Create(CLONE_NEWUTS | Child);
        int live = world.Pipeline.Namespaces.Live(NamespaceType.Uts);
        Refusal refusal = Refuse(world, types, errno);
        Assert.Equal((errno, rule), (refusal.Errno, refusal.Rule));
        Assert.Equal(rule == "kernel" ? RefusedBy.Kernel : RefusedBy.Limit, refusal.By);
        Assert.Equal(live, world.Pipeline.Namespaces.Live(NamespaceType.Uts));
    }

    [Fact]
    public void The_kernels_own_depth_is_no_limit_of_the_policy()
    {
        var world = new World(Policy("pid: {max: 100}"));
        GuestTask at = world.Create(CLONE_NEWPID | Child);
        for (int depth = 2; depth <= 32; depth++)
        {
            at = world.Create(CLONE_NEWPID | Child, at.Tid);
        }

        Assert.Equal(RefusedBy.Kernel, Refuse(world, CLONE_NEWPID, Errno.ENOSPC, at.Tid).By);
        Assert.Equal(RefusedBy.Limit, Refuse(world, CLONE_NEWPID, Errno.ENOSPC).By);
    }

    [Fact]
    public void None_at_all_is_refused_before_the_kernel_is_asked() => Assert.Equal(
        "ENOSPC creation.namespaces.ipc.max",
        Refusal(new World(Policy("ipc: {max: 0}")), CLONE_NEWIPC | Child));

    [Fact]
    public void Depth_follows_the_namespace_and_not_the_family()
    {
        var world = new World(Policy("uts: {depth: 2}"));
        GuestTask one = world.Create(CLONE_NEWUTS | Child);
        GuestTask two = world.Create(CLONE_NEWUTS | Child, one.Tid);
        GuestTask beside = world.Create(Child, two.Tid);
        Assert.Equal("ENOSPC creation.namespaces.uts.depth", Refusal(world, CLONE_NEWUTS | Child, beside.Tid));

        NamespaceTally tally = world.Pipeline.Namespaces;
        GuestTask late = world.Create(Child);
        tally.Name(one, NamespaceType.Uts, "uts:[1]");
        tally.Name(two, NamespaceType.Uts, "uts:[2]");
        Assert.Null(tally.Exceeded(CLONE_NEWUTS, late));
        tally.Entered(late, NamespaceType.Uts, tally.Find("uts:[1]"));
        Assert.Null(tally.Exceeded(CLONE_NEWUTS, late));
        tally.Entered(late, NamespaceType.Uts, tally.Find("uts:[2]"));
        Assert.NotNull(tally.Exceeded(CLONE_NEWUTS, late));
        Assert.Null(tally.Find("uts:[3]"));
        tally.Entered(late, NamespaceType.Uts, null);
        Assert.NotNull(tally.Exceeded(CLONE_NEWUTS, late));
        tally.Entered(late, NamespaceType.Uts, tally.Find("uts:[1]"));
        tally.Unshared(late, CLONE_NEWUTS);
        Assert.Equal(2, late[ResourceKind.UtsNamespace].Depth);
        Assert.NotNull(tally.Exceeded(CLONE_NEWUTS, late));
    }

    [Fact]
    public void A_name_is_forgotten_with_the_last_task_and_not_taken_from_a_later_one()
    {
        var world = new World(Policy("uts: {depth: 2}"));
        NamespaceTally tally = world.Pipeline.Namespaces;
        GuestTask first = world.Create(CLONE_NEWUTS | Child);
        tally.Name(first, NamespaceType.Uts, "uts:[1]");
        GuestTask second = world.Create(CLONE_NEWUTS | Child);
        tally.Name(second, NamespaceType.Uts, "uts:[1]");
        world.Table.Exit(first.Tid);
        Assert.Equal(second[ResourceKind.UtsNamespace], tally.Find("uts:[1]"));
        world.Table.Exit(second.Tid);
        Assert.Equal((0, 0), (tally.Names, tally.Live(NamespaceType.Uts)));
    }

    [Fact]
    public void A_name_of_one_that_is_not_known_is_not_kept()
    {
        var world = new World(Policy("uts: {depth: 2}"));
        NamespaceTally tally = world.Pipeline.Namespaces;
        for (int i = 0; i < 3; i++)
        {
            GuestTask task = world.Create(Child);
            tally.Entered(task, NamespaceType.Uts, null);
            Assert.True(tally.LacksName(task, NamespaceType.Uts));
            tally.Name(task, NamespaceType.Uts, $"uts:[{i}]");
            Assert.False(tally.LacksName(world.Create(Child, task.Tid), NamespaceType.Uts));
            Assert.NotNull(tally.Exceeded(CLONE_NEWUTS, task));
        }

        Assert.Equal(0, tally.Names);
    }

    private static Refusal Refuse(World world, ulong types, Errno errno, HostTid? caller = null)
    {
        PendingClone clone = world.Ask(EntryPoint.Clone, types | Child, caller);
        Assert.Equal(CloneVerdict.Pending, clone.Verdict);
        world.Pipeline.Run(clone, CloneMoment.Refused, errno: errno);
        return clone.Refusal;
    }

    private static string Refusal(World world, ulong flags, HostTid? caller = null)
    {
        PendingClone clone = world.Ask(EntryPoint.Clone, flags, caller);
        Assert.Equal((CloneVerdict.Denied, RefusedBy.Limit), (clone.Verdict, clone.Refusal.By));
        return $"{clone.Refusal.Errno} {clone.Refusal.Rule}";
    }

    private static Policy Policy(string budgets)
    {
        LoadedPolicy loaded = PolicyLoader.LoadText(
            System.Text.Encoding.UTF8.GetBytes(
                $"version: 1\nextends: permissive\ncreation: {{namespaces: {{{budgets}}}}}\n"), "p.yaml");
        return Assert.IsType<Policy>(loaded.Policy);
    }
}
