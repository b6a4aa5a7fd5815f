using System;
using System.Collections.Generic;
using System.Linq;
using Interpose.Abi;
using Policies;
using Policies.Files;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Tasks;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>
/// The limits of a run, held against a model of them while tasks come, fail and go at random.
/// </summary>
public sealed class BudgetModelTests
{
    private const ulong Thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
        | CLONE_SYSVSEM;

    [Theory]
    [InlineData(1, 12, 5, 4, 6)]
    [InlineData(2, 3, 2, 2, 1000)]
    [InlineData(3, 40, 3, 100, 30)]
    [InlineData(4, 1000, 1000, 3, 1000)]
    [InlineData(5, 64, 64, 64, 3)]
    public void No_limit_is_ever_exceeded_and_all_comes_back(
        int seed, int tasks, int threads, int depth, int perSecond)
    {
        string limits = $"{{tasks: {tasks}, threads: {threads}, depth: {depth}, "
            + $"per_second: {perSecond}}}";
        Policy? policy = PolicyLoader.LoadText(
            System.Text.Encoding.UTF8.GetBytes(
                $"{{version: 1, extends: permissive, creation: {{limits: {limits}}}}}"), "t").Policy;
        var churn = new Churn(new World(policy!), new Random(seed), tasks, threads, depth, perSecond);
        for (int i = 0; i < 6000; i++)
        {
            churn.Step();
        }

        churn.EndAll();
    }

    [Fact]
    public void A_rate_counts_a_creation_until_a_second_has_passed_and_no_longer()
    {
        const long Second = 1_000_000_000;
        Policy? policy = PolicyLoader.Load(["permissive"], ["creation.limits.per_second=2"]).Policy;
        var world = new World(policy!) { Now = 10 * Second };
        world.Create(SIGCHLD);
        world.Now += Second / 2;
        world.Create(SIGCHLD);
        world.Now += (Second / 2) - 1;
        Assert.Equal(Errno.EAGAIN, world.Ask(EntryPoint.Fork).Refusal.Errno);
        world.Now += 1;
        world.Create(SIGCHLD);
        Assert.Equal(Errno.EAGAIN, world.Ask(EntryPoint.Fork).Refusal.Errno);
        Assert.Equal("creation.limits.per_second", world.Ask(EntryPoint.Fork).Refusal.Rule);
    }

    [Fact]
    public void A_process_whose_last_task_died_in_its_call_ends_when_that_call_is_unwound()
    {
        var world = new World();
        GuestTask process = world.Create(SIGCHLD);
        GuestTask child = world.Create(SIGCHLD, process.Tid);
        PendingClone clone = world.Ask(EntryPoint.Clone, Thread, process.Tid);
        world.Table.Exit(process.Tid);
        Assert.Same(process.Group, child.Group.Parent);
        world.Pipeline.Run(clone, CloneMoment.Refused, errno: Errno.EINTR);
        Assert.Null(child.Group.Parent);
        Assert.True(process.Group.Ended);
        Assert.Equal(2, world.Table.Groups);
    }

    [Fact]
    public void A_process_ends_once_though_its_id_is_in_use_again()
    {
        var world = new World();
        GuestTask process = world.Create(SIGCHLD);
        PendingClone late = world.Ask(EntryPoint.Fork, caller: process.Tid);
        world.Table.Exit(process.Tid);
        world.Pipeline.Run(world.Ask(EntryPoint.Fork), CloneMoment.Made, process.Tid);
        world.Pipeline.Run(late, CloneMoment.Refused, errno: Errno.EINTR);
        Assert.Equal(2, world.Table.Groups);
        Assert.Equal(2, world.Table.Count);
    }

    [Fact]
    public void A_thread_whose_creator_died_meanwhile_keeps_the_process_until_it_ends()
    {
        var world = new World();
        GuestTask process = world.Create(SIGCHLD);
        PendingClone clone = world.Ask(EntryPoint.Clone, Thread, process.Tid);
        world.Table.Exit(process.Tid);
        world.Pipeline.Run(clone, CloneMoment.Made, new HostTid(7));
        Assert.False(process.Group.Ended);
        Assert.Equal(2, world.Table.Groups);
        world.Table.Exit(new HostTid(7));
        Assert.True(process.Group.Ended);
        Assert.Equal(1, world.Table.Groups);
    }

    /// <summary>One run and what the limits should make of it, counted from its history.</summary>
    private sealed class Churn(
        World world, Random random, int tasks, int threads, int depth, int perSecond)
    {
        private const long Second = 1_000_000_000;
        private readonly List<HostTid> _alive = [World.First];
        private readonly List<(PendingClone Clone, ThreadGroup? Group, long Began)> _pending = [];
        private readonly List<long> _taken = [0];
        private int _nextTid = 1000;

        public void Step()
        {
            world.Now += random.Next(4) == 0 ? random.NextInt64(Second) : random.Next(1000);
            switch (random.Next(8))
            {
                case < 4 when _alive.Count > 0:
                    Ask();
                    break;
                case 4 or 5 when _pending.Count > 0:
                    Finish(CloneMoment.Made);
                    break;
                case 6 when _pending.Count > 0:
                    Finish(CloneMoment.Refused);
                    break;
                case 7 when _alive.Count > 1:
                    Exit(random.Next(1, _alive.Count));
                    break;
            }

            Check();
        }

        public void EndAll()
        {
            while (_pending.Count + _alive.Count > 0)
            {
                bool finish = _pending.Count > 0 && (random.Next(2) == 0 || _alive.Count == 0);
                if (finish)
                {
                    Finish(random.Next(2) == 0 ? CloneMoment.Made : CloneMoment.Refused);
                }
                else
                {
                    Exit(random.Next(_alive.Count));
                }

                Check();
            }

            Assert.Equal(0, world.Pipeline.Budget.Tasks);
            Assert.Equal(0, world.Table.Count);
            Assert.Equal(0, world.Table.Groups);
            Assert.Equal(0, world.Pipeline.Ledger.Open);
        }

        private void Ask()
        {
            HostTid caller = _alive[random.Next(_alive.Count)];
            Assert.True(world.Table.TryFind(caller, out GuestTask? task));
            ulong flags = random.Next(3) switch
            {
                0 => SIGCHLD,
                1 => CLONE_PARENT,
                _ => Thread,
            };
            bool thread = (flags & CLONE_THREAD) != 0;
            bool faulty = random.Next(6) == 0;
            string? full = Full(thread ? task.Group : null, task.Group);
            world.FailStep = faulty ? random.Next(1, 12) : 0;
            PendingClone clone = world.Ask(EntryPoint.Clone, flags, caller);
            if (clone.Refusal.By == RefusedBy.Setup && clone.Verdict == CloneVerdict.Denied)
            {
                // The first step that can fail is the charge itself, before the limits.
                Assert.True(faulty);
                Assert.True(full is null || world.FailStep == 1);
                world.Pipeline.End(clone);
                return;
            }

            Assert.Equal(full, clone.Verdict == CloneVerdict.Denied ? clone.Refusal.Rule : null);
            if (full is not null)
            {
                Assert.Equal(Errno.EAGAIN, clone.Refusal.Errno);
                Assert.Equal(RefusedBy.Limit, clone.Refusal.By);
                world.Pipeline.End(clone);
                return;
            }

            _pending.Add((clone, thread ? task.Group : null, world.Now));
            _taken.Add(world.Now);
        }

        /// <summary>The limit that one task more would break, by its key.</summary>
        private string? Full(ThreadGroup? joins, ThreadGroup creator)
        {
            int live = _alive.Count + _pending.Count;
            int members = joins is null ? 0 : Members(joins);
            int deep = joins is null ? creator.Depth + 1 : joins.Depth;
            int recent = _taken.Count(t => world.Now - t < Second);
            return live >= tasks ? "creation.limits.tasks"
                : members >= threads ? "creation.limits.threads"
                : deep > depth ? "creation.limits.depth"
                : recent >= perSecond ? "creation.limits.per_second"
                : null;
        }

        private int Members(ThreadGroup group) => _pending.Count(p => p.Group == group)
            + world.Table.Tasks.Count(t => t.Group == group);

        private void Finish(CloneMoment moment)
        {
            int at = random.Next(_pending.Count);
            (PendingClone clone, _, long began) = _pending[at];
            _pending.RemoveAt(at);
            if (moment == CloneMoment.Refused)
            {
                // Only what was created counts.
                _taken.Remove(began);
            }

            var child = new HostTid(_nextTid++);
            Errno errno = world.Pipeline.Run(clone, moment, child, Errno.EINTR);
            Assert.Equal(moment == CloneMoment.Made ? Errno.None : Errno.EINTR, errno);
            world.Pipeline.End(clone);
            if (moment == CloneMoment.Made)
            {
                _alive.Add(child);
            }
        }

        private void Exit(int at)
        {
            Assert.NotNull(world.Table.Exit(_alive[at]));
            _alive.RemoveAt(at);
        }

        private void Check()
        {
            Assert.Equal(_alive.Count + _pending.Count, world.Pipeline.Budget.Tasks);
            Assert.Equal(_alive.Count, world.Table.Count);
            Assert.InRange(world.Pipeline.Budget.Tasks, 0, tasks);
            Assert.InRange(world.Pipeline.Budget.Peak, world.Pipeline.Budget.Tasks, tasks);
            Assert.Equal(_pending.Count == 0, world.Pipeline.Ledger.Open == 0);
            foreach (ThreadGroup group in world.Table.Processes)
            {
                Assert.InRange(group.Threads, 1, threads);
                Assert.InRange(group.Depth, 0, depth);
                Assert.Equal(Members(group), group.Threads);
            }
        }
    }
}
