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
    public void A_namespace_counts_as_long_as_a_task_is_in_it()
    {
        var world = new World(Policy("user: {max: 2}"));
        GuestTask a = world.Create(CLONE_NEWUSER | Child);
        GuestTask b = world.Create(Child, a.Tid);
        GuestTask c = world.Create(CLONE_NEWUSER | Child);
        Assert.Equal(2, world.Pipeline.Namespaces.Live(NamespaceType.User));
        Assert.Equal("ENOSPC creation.namespaces.user.max", Refusal(world, CLONE_NEWUSER | Child));
        world.Table.Exit(a.Tid);
        Assert.Equal("ENOSPC creation.namespaces.user.max", Refusal(world, CLONE_NEWUSER | Child));
        world.Table.Exit(b.Tid);
        Assert.Equal(1, world.Pipeline.Namespaces.Live(NamespaceType.User));
        world.Create(CLONE_NEWUSER | Child);
        world.Table.Exit(c.Tid);
        Assert.Equal(1, world.Pipeline.Namespaces.Live(NamespaceType.User));
    }

    [Fact]
    public void What_the_kernel_refuses_counts_no_longer()
    {
        var world = new World(Policy("net: {max: 1}"));
        PendingClone clone = world.Ask(EntryPoint.Clone, CLONE_NEWNET | Child);
        Assert.Equal(1, world.Pipeline.Namespaces.Live(NamespaceType.Net));
        world.Pipeline.Run(clone, CloneMoment.Refused, errno: Errno.ENOSPC);
        Assert.Equal(0, world.Pipeline.Namespaces.Live(NamespaceType.Net));
        Assert.Equal((RefusedBy.Limit, "creation.namespaces.net.max"), (clone.Refusal.By, clone.Refusal.Rule));
        clone = world.Ask(EntryPoint.Clone, CLONE_NEWUTS | Child);
        world.Pipeline.Run(clone, CloneMoment.Refused, errno: Errno.ENOSPC);
        Assert.Equal(RefusedBy.Kernel, clone.Refusal.By);
        clone = world.Ask(EntryPoint.Clone, CLONE_NEWNET | Child);
        world.Pipeline.Run(clone, CloneMoment.Refused, errno: Errno.ENOMEM);
        Assert.Equal(RefusedBy.Kernel, clone.Refusal.By);
    }

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
        tally.Entered(late, NamespaceType.Uts, "uts:[1]");
        Assert.Null(tally.Exceeded(CLONE_NEWUTS, late));
        tally.Entered(late, NamespaceType.Uts, "uts:[2]");
        Assert.NotNull(tally.Exceeded(CLONE_NEWUTS, late));
        tally.Entered(late, NamespaceType.Uts, "uts:[3]");
        Assert.NotNull(tally.Exceeded(CLONE_NEWUTS, late));
        tally.Entered(late, NamespaceType.Uts, "uts:[1]");
        tally.Unshared(late, CLONE_NEWUTS);
        Assert.Equal(2, late[ResourceKind.UtsNamespace].Depth);
        Assert.NotNull(tally.Exceeded(CLONE_NEWUTS, late));
    }

    [Fact]
    public void A_name_is_remembered_when_nobody_is_left_and_not_without_end()
    {
        var world = new World(Policy("uts: {depth: 2, max: 9000}"));
        NamespaceTally tally = world.Pipeline.Namespaces;
        Assert.True(world.Table.TryFind(World.First, out GuestTask? first));
        GuestTask gone = world.Create(CLONE_NEWUTS | Child);
        tally.Name(gone, NamespaceType.Uts, "uts:[0]");
        world.Table.Exit(gone.Tid);
        tally.Entered(first, NamespaceType.Uts, "uts:[0]");
        Assert.Equal((1, 1), (first[ResourceKind.UtsNamespace].Depth, tally.Live(NamespaceType.Uts)));
        tally.Entered(world.Create(Child), NamespaceType.Uts, "uts:[0]");
        for (int i = 1; i <= 5000; i++)
        {
            tally.Unshared(first, CLONE_NEWUTS);
            tally.Name(first, NamespaceType.Uts, $"uts:[{i}]");
            tally.Entered(first, NamespaceType.Uts, "uts:[0]");
        }

        Assert.InRange(tally.Names, 1, 4097);
        Assert.Equal(1, tally.Live(NamespaceType.Uts));
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
