using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Tasks;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>The model of tasks: who shares what, whose child is whose, and how tasks end.</summary>
public sealed class TaskTableTests
{
    private const ulong Thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
        | CLONE_SYSVSEM;

    [Theory]
    [InlineData(CLONE_VM, ResourceKind.Mm)]
    [InlineData(CLONE_FILES, ResourceKind.Files)]
    [InlineData(CLONE_FS, ResourceKind.Fs)]
    [InlineData(CLONE_IO, ResourceKind.Io)]
    [InlineData(CLONE_SYSVSEM, ResourceKind.SemUndo)]
    [InlineData(CLONE_NEWNS, ResourceKind.MountNamespace)]
    [InlineData(CLONE_NEWUTS, ResourceKind.UtsNamespace)]
    [InlineData(CLONE_NEWIPC, ResourceKind.IpcNamespace)]
    [InlineData(CLONE_NEWUSER, ResourceKind.UserNamespace)]
    [InlineData(CLONE_NEWPID, ResourceKind.PidNamespace)]
    [InlineData(CLONE_NEWNET, ResourceKind.NetNamespace)]
    [InlineData(CLONE_NEWCGROUP, ResourceKind.CgroupNamespace)]
    public void A_flag_shares_or_renews_its_resource_and_no_other(ulong flag, ResourceKind kind)
    {
        var world = new World();
        GuestTask child = world.Create(flag | SIGCHLD);
        Assert.True(world.Table.TryFind(World.First, out GuestTask? first));
        for (int i = 0; i < ResourceGroup.Kinds; i++)
        {
            var other = (ResourceKind)i;
            Assert.Equal(
                (other == kind) != ResourceGroup.IsNamespace(other), child.Shares(other, first));
        }

        Assert.Equal(first.Group, child.Group.Parent);
        Assert.Equal(1, child.Group.Depth);
    }

    [Fact]
    public void Threads_are_of_one_process_and_siblings_have_one_parent()
    {
        var world = new World();
        GuestTask child = world.Create(SIGCHLD);
        GuestTask thread = world.Create(Thread, child.Tid);
        GuestTask sibling = world.Create(CLONE_PARENT, thread.Tid);
        Assert.Same(child.Group, thread.Group);
        Assert.Equal(2, child.Group.Threads);
        Assert.Same(child.Group.Parent, sibling.Group.Parent);
        Assert.NotSame(child.Group, sibling.Group);
    }

    [Fact]
    public void A_process_ends_with_its_last_thread_and_its_children_lose_their_parent()
    {
        var world = new World();
        GuestTask child = world.Create(SIGCHLD);
        GuestTask thread = world.Create(Thread, child.Tid);
        GuestTask grandchild = world.Create(SIGCHLD, thread.Tid);
        world.Table.Exit(child.Tid);
        Assert.Same(child.Group, grandchild.Group.Parent);
        world.Table.Exit(thread.Tid);
        Assert.Null(grandchild.Group.Parent);
        Assert.Equal(TaskState.Dead, thread.State);
        Assert.Null(world.Table.Exit(thread.Tid));
        Assert.Equal(2, world.Pipeline.Budget.Tasks);
    }

    [Fact]
    public void An_id_is_used_again_while_its_former_process_is_kept_for_a_creation()
    {
        var world = new World();
        GuestTask former = world.Create(SIGCHLD);
        PendingClone pending = world.Ask(EntryPoint.Clone, Thread, former.Tid);
        HostTid id = former.Tid;
        world.Table.Exit(id);
        Assert.DoesNotContain(former.Group, world.Table.Processes);
        world.Pipeline.Run(world.Ask(EntryPoint.Clone), CloneMoment.Made, id);
        world.Pipeline.Run(pending, CloneMoment.Refused, errno: Errno.EINTR);
        Assert.True(world.Table.TryFind(id, out GuestTask? fresh));
        Assert.NotSame(former.Group, fresh.Group);
        Assert.Equal(2, world.Table.Groups);
        world.Table.Exit(id);
        Assert.Equal(1, world.Table.Groups);
        Assert.Equal(1, world.Pipeline.Budget.Tasks);
    }

    [Fact]
    public void An_exec_from_a_thread_takes_the_leaders_id()
    {
        var world = new World();
        GuestTask leader = world.Create(SIGCHLD);
        GuestTask thread = world.Create(Thread, leader.Tid);
        HostTid tgid = leader.Tid;
        GuestTask? after = world.Table.Exec(tgid, thread.Tid);
        Assert.Same(thread, after);
        Assert.Equal(tgid, thread.Tid);
        Assert.True(world.Table.TryFind(tgid, out GuestTask? found));
        Assert.Same(thread, found);
        Assert.Equal(1, thread.Group.Threads);
        Assert.Equal(2, world.Table.Count);
    }

    [Fact]
    public void An_exec_leaves_shared_memory_files_and_handlers_but_not_fs()
    {
        var world = new World();
        GuestTask child = world.Create(
            CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | CLONE_VFORK | SIGCHLD);
        Assert.True(world.Table.TryFind(World.First, out GuestTask? first));
        Assert.Same(first, child.VforkParent);
        world.Table.Exec(child.Tid, child.Tid);
        Assert.False(child.Shares(ResourceKind.Mm, first));
        Assert.False(child.Shares(ResourceKind.Files, first));
        Assert.False(child.Shares(ResourceKind.Sighand, first));
        Assert.True(child.Shares(ResourceKind.Fs, first));
        Assert.Null(child.VforkParent);
        Assert.Equal(1, first[ResourceKind.Mm].Members);
    }
}
