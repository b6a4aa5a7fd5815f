using System;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Tasks;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>Records of tasks and creations are used again, and never while one is meant.</summary>
public sealed class TaskRecordsTests
{
    private const ulong Thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;

    [Theory]
    [InlineData(SIGCHLD)]
    [InlineData(CLONE_VM | CLONE_VFORK | SIGCHLD)]
    [InlineData(Thread)]
    [InlineData(CLONE_NEWUTS | SIGCHLD)]
    public void Tasks_that_come_and_go_allocate_nothing(ulong flags)
    {
        var world = new World();
        bool all = true;
        long before = 0;
        for (int i = 0; i < 1100; i++)
        {
            before = i == 100 ? GC.GetAllocatedBytesForCurrentThread() : before;
            all &= ComesAndGoes(world, flags);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(all);
    }

    [Theory]
    [InlineData(CloneMoment.Refused)]
    [InlineData(CloneMoment.Asked)]
    public void Creations_that_come_to_nothing_allocate_nothing(CloneMoment last)
    {
        var world = new World(VerdictTests.Load("limits: {tasks: 2}"));
        GuestTask only = world.Create(SIGCHLD);
        if (last == CloneMoment.Refused)
        {
            world.Table.Exit(only.Tid);
        }

        long before = 0;
        int refused = 0;
        for (int i = 0; i < 200; i++)
        {
            before = i == 100 ? GC.GetAllocatedBytesForCurrentThread() : before;
            PendingClone clone = world.Ask(EntryPoint.Fork);
            if (last == CloneMoment.Refused)
            {
                world.Pipeline.Run(clone, last, errno: Errno.EAGAIN);
            }

            refused += clone.Verdict is CloneVerdict.Denied or CloneVerdict.Unwound ? 1 : 0;
            world.Pipeline.End(clone);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(200, refused);
    }

    [Fact]
    public void A_creation_ends_once()
    {
        var world = new World();
        PendingClone clone = world.Ask(EntryPoint.Fork);
        Assert.Throws<InvariantException>(() => world.Pipeline.End(clone));
        world.Pipeline.Run(clone, CloneMoment.Refused, errno: Errno.EAGAIN);
        world.Pipeline.End(clone);
        Assert.Throws<InvariantException>(() => world.Pipeline.End(clone));
        Assert.NotSame(world.Ask(EntryPoint.Fork), world.Ask(EntryPoint.Fork));
    }

    [Fact]
    public void A_child_is_not_taken_for_that_of_the_process_which_has_its_parents_record()
    {
        var world = new World();
        GuestTask parent = world.Create(SIGCHLD);
        ThreadGroup record = parent.Group;
        GuestTask child = world.Create(SIGCHLD, parent.Tid);
        Assert.Same(record, child.Group.Parent);
        world.Table.Exit(parent.Tid);
        GuestTask later = world.Create(SIGCHLD);
        Assert.Same(record, later.Group);
        Assert.Null(child.Group.Parent);
        Assert.Same(later.Group, world.Create(SIGCHLD, later.Tid).Group.Parent);
    }

    [Fact]
    public void A_caller_that_is_gone_keeps_its_record_until_its_creation_has_ended()
    {
        var world = new World();
        GuestTask caller = world.Create(SIGCHLD);
        caller.Group.Program = "/bin/caller";
        PendingClone clone = world.Ask(EntryPoint.Fork, SIGCHLD, caller.Tid);
        world.Table.Exit(caller.Tid);
        GuestTask other = world.Create(SIGCHLD);
        Assert.NotSame(caller, other);
        world.Pipeline.Run(clone, CloneMoment.Refused, errno: Errno.EINTR);
        Assert.Equal("/bin/caller", clone.Caller!.Group.Program);
        world.Pipeline.End(clone);
        GuestTask last = world.Create(SIGCHLD);
        Assert.Same(caller, last);
        Assert.Null(last.Group.Program);
    }

    [Fact]
    public void A_vfork_parent_that_was_killed_keeps_its_record_while_its_child_points_at_it()
    {
        var world = new World();
        GuestTask parent = world.Create(SIGCHLD);
        GuestTask child = world.Create(CLONE_VM | CLONE_VFORK | SIGCHLD, parent.Tid);
        world.Table.Exit(parent.Tid);
        Assert.NotSame(parent, world.Create(SIGCHLD));
        Assert.Equal(TaskState.Dead, child.VforkParent!.State);
        world.Table.Exec(child.Tid, child.Tid);
        Assert.Same(parent, world.Create(SIGCHLD));
    }

    /// <summary>Without an assertion, for those allocate.</summary>
    private static bool ComesAndGoes(World world, ulong flags)
    {
        var tid = new HostTid(1000);
        PendingClone clone = world.Ask(EntryPoint.Clone, flags);
        Errno errno = world.Pipeline.Run(clone, CloneMoment.Made, tid);
        world.Pipeline.End(clone);
        bool runs = (flags & CLONE_THREAD) != 0 || world.Table.Exec(tid, tid) is not null;
        return errno == Errno.None && runs && world.Table.Exit(tid) is not null;
    }
}
