using System;
using System.Runtime.InteropServices;
using Interpose.Abi;
using Policies;
using Policies.Files;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Tasks;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>The stages from request to running task, and back.</summary>
public sealed class PipelineTests
{
    private const ulong Thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
        | CLONE_SYSVSEM;

    [Theory]
    [InlineData(EntryPoint.Fork, 0UL)]
    [InlineData(EntryPoint.Vfork, 0UL)]
    [InlineData(EntryPoint.Clone, 17UL)]
    [InlineData(EntryPoint.Clone, 0x50f00UL)]
    [InlineData(EntryPoint.Clone3, 88UL)]
    public void Each_step_that_fails_leaves_everything_as_it_was(EntryPoint entry, ulong first)
    {
        var world = new World { Memory = Args(new clone_args { exit_signal = SIGCHLD }) };
        string before = world.Snapshot();
        int step = 1;
        for (; ; step++)
        {
            world.FailStep = step;
            PendingClone clone = Begin(world, entry, first);
            if (clone.Verdict == CloneVerdict.Pending)
            {
                break;
            }

            Assert.Equal(CloneVerdict.Denied, clone.Verdict);
            Assert.Equal(Errno.ENOSPC, clone.Refusal.Errno);
            Assert.Equal(before, world.Snapshot());
        }

        Assert.InRange(step, 10, 20);
        Assert.Equal(1, world.Cancelled);
    }

    [Fact]
    public void A_refusal_of_the_kernel_unwinds_everything()
    {
        var world = new World();
        string before = world.Snapshot();
        PendingClone clone = world.Ask(EntryPoint.Fork);
        Assert.NotEqual(before, world.Snapshot());
        world.Pipeline.Run(clone, CloneMoment.Refused, errno: Errno.EAGAIN);
        Assert.Equal(before, world.Snapshot());
        Assert.Equal(CloneVerdict.Unwound, clone.Verdict);
    }

    [Fact]
    public void A_broken_promise_of_the_host_is_a_death_and_no_unwinding()
    {
        var world = new World { PlaceErrno = Errno.EIO };
        PendingClone clone = world.Ask(EntryPoint.Fork);
        Assert.Equal(Errno.EIO, world.Pipeline.Run(clone, CloneMoment.Made, new HostTid(7)));
        Assert.Equal(CloneVerdict.Created, clone.Verdict);
        Assert.True(world.Table.TryFind(new HostTid(7), out _));
        Assert.NotNull(world.Table.Exit(new HostTid(7)));
        Assert.Equal(1, world.Table.Count);
    }

    [Fact]
    public void A_stage_cannot_be_used_twice()
    {
        var world = new World();
        PendingClone clone = world.Ask(EntryPoint.Fork);
        world.Pipeline.Run(clone, CloneMoment.Made, new HostTid(7));
        Assert.ThrowsAny<Exception>(() => world.Pipeline.Run(clone, CloneMoment.Made, new HostTid(8)));
        Assert.ThrowsAny<Exception>(
            () => world.Pipeline.Run(clone, CloneMoment.Refused, errno: Errno.EAGAIN));
    }

    [Fact]
    public void Clone3_runs_as_clone_with_the_copied_values()
    {
        var world = new World
        {
            Memory = Args(new clone_args
            {
                flags = Thread | CLONE_PARENT_SETTID | CLONE_SETTLS | CLONE_UNTRACED,
                parent_tid = 0x1000,
                child_tid = 0x2000,
                stack = 0x10000,
                stack_size = 0x4000,
                tls = 0x3000,
            }),
        };
        PendingClone clone = Begin(world, EntryPoint.Clone3, 88);
        Assert.Equal(CloneVerdict.Pending, clone.Verdict);
        Assert.Equal(
            new(EntryPoint.Clone, true, Thread | CLONE_PARENT_SETTID | CLONE_SETTLS, 0x14000, 0x1000,
                0x2000, 0x3000),
            clone.Runs);
    }

    [Theory]
    [InlineData(CLONE_CLEAR_SIGHAND)]
    [InlineData(CLONE_INTO_CGROUP)]
    [InlineData(CLONE_NEWTIME)]
    [InlineData(CLONE_PIDFD | CLONE_PARENT_SETTID)]
    public void What_clone_cannot_carry_is_ENOSYS(ulong flags)
    {
        var world = new World
        {
            Memory = Args(new clone_args { flags = flags, exit_signal = SIGCHLD, pidfd = 8, parent_tid = 16 }),
        };
        PendingClone clone = Begin(world, EntryPoint.Clone3, 88);
        Assert.Equal(Errno.ENOSYS, clone.Refusal.Errno);
        Assert.Equal(RefusedBy.Engine, clone.Refusal.By);
    }

    [Fact]
    public void Memory_that_we_may_not_read_is_ENOSYS_and_unmapped_memory_EFAULT()
    {
        var world = new World { MemoryErrno = Errno.EPERM };
        Assert.Equal(Errno.ENOSYS, Begin(world, EntryPoint.Clone3, 88).Refusal.Errno);
        world.MemoryErrno = Errno.EFAULT;
        Assert.Equal(Errno.EFAULT, Begin(world, EntryPoint.Clone3, 88).Refusal.Errno);
        Assert.Equal(Errno.E2BIG, Begin(world, EntryPoint.Clone3, 4097).Refusal.Errno);
        Assert.Equal(Errno.EINVAL, Begin(world, EntryPoint.Clone3, 63).Refusal.Errno);
    }

    [Theory]
    [InlineData("creation.limits.tasks=3")]
    [InlineData("creation.limits.per_second=2")]
    public void Limits_count_what_is_under_way_as_well(string setting)
    {
        Policy? policy = PolicyLoader.Load(["permissive"], [setting]).Policy;
        var world = new World(policy!) { Now = 5_000_000_000 };
        world.Ask(EntryPoint.Fork);
        GuestTask made = world.Create(SIGCHLD);
        PendingClone refused = world.Ask(EntryPoint.Fork);
        Assert.Equal(Errno.EAGAIN, refused.Refusal.Errno);
        Assert.Equal(RefusedBy.Limit, refused.Refusal.By);
        world.Table.Exit(made.Tid);
        world.Now += 1_000_000_000;
        Assert.Equal(CloneVerdict.Pending, world.Ask(EntryPoint.Fork).Verdict);
    }

    [Fact]
    public void Strict_denies_each_entry_but_the_launch()
    {
        var world = new World(BuiltinPolicies.Get("strict"));
        foreach (EntryPoint entry in new[] { EntryPoint.Fork, EntryPoint.Vfork, EntryPoint.Clone })
        {
            Assert.Equal(Errno.EPERM, world.Ask(entry).Refusal.Errno);
        }

        Assert.Equal(1, world.Table.Count);
    }

    [Fact]
    public void Every_stage_is_timed()
    {
        var world = new World();
        PendingClone clone = world.Ask(EntryPoint.Fork);
        world.Now += 77;
        world.Pipeline.Run(clone, CloneMoment.Made, new HostTid(7));
        Assert.Equal(77, clone.Nanoseconds[(int)StageName.Kernel]);
    }

    internal static byte[] Args(clone_args args)
    {
        var bytes = new byte[88];
        MemoryMarshal.Write(bytes, args);
        return bytes;
    }

    /// <summary>For clone3 the second argument is the size, and the struct stands at 0.</summary>
    private static PendingClone Begin(World world, EntryPoint entry, ulong first)
    {
        if (entry != EntryPoint.Clone3)
        {
            return world.Ask(entry, first);
        }

        PendingClone clone = world.Pipeline.Begin(new(entry, World.First, 0, first, 0, 0, 0));
        world.Pipeline.Run(clone, CloneMoment.Asked);
        return clone;
    }
}
