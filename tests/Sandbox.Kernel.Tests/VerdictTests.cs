using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Interpose.Abi;
using Policies;
using Policies.Files;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Rules;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>What stage 1 says of a request, in which order, and what then runs.</summary>
public sealed class VerdictTests
{
    private const ulong Thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
        | CLONE_SYSVSEM;

    [Theory]
    [InlineData(EntryPoint.Fork)]
    [InlineData(EntryPoint.Vfork)]
    [InlineData(EntryPoint.Clone)]
    [InlineData(EntryPoint.Clone3)]
    public void A_closed_call_gives_its_errno_before_anything_is_looked_at(EntryPoint entry)
    {
        Policy policy = Load($"entry: {{{entry.Name()}: EUSERS}}, deny: {{CLONE_NEWNS: ENOSPC}}");
        var world = new World(policy) { MemoryErrno = Errno.EFAULT };

        // No kernel has room for this struct, and these flags break two of its rules.
        PendingClone clone = world.Ask(entry, CLONE_NEWNS | CLONE_FS | CLONE_THREAD);
        Assert.Equal(Errno.EUSERS, clone.Refusal.Errno);
        Assert.Equal(RefusedBy.Policy, clone.Refusal.By);
        Assert.Equal("creation.entry." + entry.Name(), clone.Refusal.Rule);
        Assert.Equal("t.yaml:1", clone.Refusal.Origin!.ToString()[..8]);
        Assert.Equal(0u, clone.Refusal.Decisive);
    }

    [Fact]
    public void A_rule_of_the_kernel_goes_before_the_policy()
    {
        var world = new World(Load("deny: {CLONE_NEWNS: EUSERS}"));
        PendingClone both = world.Ask(EntryPoint.Clone, CLONE_NEWNS | CLONE_FS | SIGCHLD);
        Assert.Equal(Errno.EINVAL, both.Refusal.Errno);
        Assert.Equal(RefusedBy.KernelRule, both.Refusal.By);
        Assert.Equal("copy_process: CLONE_NEWNS with CLONE_FS", both.Refusal.Rule);
        Assert.Null(both.Refusal.Origin);

        PendingClone one = world.Ask(EntryPoint.Clone, CLONE_NEWNS | SIGCHLD);
        Assert.Equal(Errno.EUSERS, one.Refusal.Errno);
        Assert.Equal(RefusedBy.Policy, one.Refusal.By);
        Assert.Equal("creation.deny", one.Refusal.Rule);
        Assert.Equal(CLONE_NEWNS, one.Refusal.Decisive);
    }

    [Fact]
    public void The_policy_goes_before_what_the_engine_cannot_carry()
    {
        var args = new clone_args { flags = CLONE_INTO_CGROUP, exit_signal = SIGCHLD };
        var world = new World(Load("deny: {CLONE_INTO_CGROUP: EUSERS}"))
        {
            Memory = PipelineTests.Args(args),
        };
        Assert.Equal(Errno.EUSERS, Clone3(world).Refusal.Errno);
    }

    [Fact]
    public void A_refusal_says_where_and_for_which_flags()
    {
        const string Text =
            """
            version: 1
            extends: permissive
            creation:
              because: it is a test
              otherwise: ENOSPC
              deny:
                CLONE_NEWPID: EUSERS
                CLONE_NEWUTS: EACCES
                '@vfork': EAGAIN
            """;
        var world = new World(PolicyLoader.LoadText(Encoding.UTF8.GetBytes(Text), "t.yaml").Policy);
        Refusal two = world.Ask(
            EntryPoint.Clone, CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD).Refusal;
        Assert.Equal((Errno.EACCES, CLONE_NEWPID | CLONE_NEWUTS), (two.Errno, two.Decisive));
        Assert.Equal("t.yaml:8:5", two.Origin!.ToString());

        Refusal shape = world.Ask(EntryPoint.Vfork).Refusal;
        Assert.Equal((Errno.EAGAIN, CLONE_VFORK), (shape.Errno, shape.Decisive));
        Assert.Equal("t.yaml:9:5", shape.Origin!.ToString());
    }

    [Fact]
    public void What_is_not_named_gets_otherwise_with_all_such_flags()
    {
        var world = new World(Load("otherwise: ENOSPC", extends: "default"));
        Refusal refusal = world.Ask(
            EntryPoint.Clone, CLONE_IO | CLONE_PARENT | CLONE_PIDFD | SIGCHLD).Refusal;
        Assert.Equal(
            (Errno.ENOSPC, "creation.otherwise", CLONE_IO | CLONE_PARENT),
            (refusal.Errno, refusal.Rule, refusal.Decisive));
    }

    [Theory]
    [InlineData(EntryPoint.Fork, 0, CLONE_NEWUTS | CLONE_NEWNET | SIGCHLD)]
    [InlineData(EntryPoint.Vfork, 0,
        CLONE_VM | CLONE_VFORK | CLONE_NEWUTS | CLONE_NEWNET | SIGCHLD)]
    [InlineData(EntryPoint.Clone, CLONE_IO | CLONE_NEWIPC | CLONE_UNTRACED | SIGUSR1,
        CLONE_NEWUTS | CLONE_NEWNET | SIGUSR1)]
    [InlineData(EntryPoint.Clone, CLONE_NEWNET | CLONE_CHILD_SETTID,
        CLONE_NEWUTS | CLONE_NEWNET | CLONE_CHILD_SETTID)]
    public void Flags_are_taken_out_and_put_in(EntryPoint entry, ulong asked, ulong runs)
    {
        var world = new World(Load(
            "strip: [CLONE_IO, CLONE_NEWIPC], require: [CLONE_NEWUTS, CLONE_NEWNET]"));
        PendingClone clone = world.Pipeline.Begin(new(entry, World.First, asked, 1, 2, 3, 4));
        Assert.Equal(Errno.None, world.Pipeline.Run(clone, CloneMoment.Asked));
        HostCall expected = entry == EntryPoint.Clone
            ? new(EntryPoint.Clone, true, runs, 1, 2, 3, 4)
            : new(EntryPoint.Clone, true, runs, 0, 0, 0, 0);
        Assert.Equal(expected, clone.Runs);
    }

    [Fact]
    public void A_call_with_nothing_to_change_runs_as_it_was_asked()
    {
        var world = new World(Load("strip: [CLONE_IO]"));
        ulong dirty = 0xdead_0000_0000_0000 | SIGCHLD;
        PendingClone clone = world.Pipeline.Begin(
            new(EntryPoint.Clone, World.First, dirty, 1, 2, 3, 4));
        Assert.Equal(Errno.None, world.Pipeline.Run(clone, CloneMoment.Asked));
        Assert.Equal(new(EntryPoint.Clone, false, dirty, 1, 2, 3, 4), clone.Runs);
        Assert.Equal(0u, clone.Request.Flags);
    }

    [Fact]
    public void Threads_are_not_given_what_is_required_of_processes()
    {
        var world = new World(Load("require: [CLONE_NEWUTS]"));
        Assert.False(world.Ask(EntryPoint.Clone, Thread).Runs.Rewritten);
        Assert.True(world.Ask(EntryPoint.Clone, SIGCHLD).Runs.Rewritten);
    }

    [Fact]
    public void What_the_kernel_forbids_beside_a_required_flag_gets_otherwise()
    {
        var world = new World(Load("otherwise: ENOSPC, require: [CLONE_NEWNS, CLONE_NEWIPC]"));
        foreach ((ulong asked, ulong clash) in new[]
        {
            (CLONE_FS, CLONE_NEWNS), (CLONE_SYSVSEM, CLONE_NEWIPC),
        })
        {
            Refusal refusal = world.Ask(EntryPoint.Clone, asked | SIGCHLD).Refusal;
            Assert.Equal(
                (Errno.ENOSPC, "creation.require", clash),
                (refusal.Errno, refusal.Rule, refusal.Decisive));
            Assert.Equal("t.yaml", refusal.Origin!.File);
        }

        // With CLONE_FS taken out of the call there is nothing that clashes.
        var stripping = new World(Load("strip: [CLONE_FS], require: [CLONE_NEWNS]"));
        Assert.Equal(
            CLONE_NEWNS | SIGCHLD,
            stripping.Ask(EntryPoint.Clone, CLONE_FS | SIGCHLD).Runs.A0);
    }

    [Fact]
    public void The_four_calls_get_the_same_errno_and_run_with_the_same_flags()
    {
        var random = new Random(4);
        int allowed = 0, refused = 0, rewritten = 0;
        foreach (int round in Enumerable.Range(0, 300))
        {
            Policy policy = RandomPolicies.Next(random, closes: false);
            (Errno, ulong)[] forks = [.. AskAll(policy, 0, EntryPoint.Fork)];
            (Errno, ulong)[] vforks = [.. AskAll(policy, CLONE_VM | CLONE_VFORK, EntryPoint.Vfork)];
            Assert.Single(forks.Distinct());
            Assert.Single(vforks.Distinct());
            for (int i = 0; i < 20; i++)
            {
                ulong flags = RandomFlags(random);
                (Errno Errno, ulong Runs)[] both = [.. AskAll(policy, flags, null)];
                Assert.True(both[0] == both[1], $"{flags:x}: {both[0]} and {both[1]}");
                allowed += both[0].Errno == Errno.None ? 1 : 0;
                refused += both[0].Errno == Errno.None ? 0 : 1;
                rewritten += both[0].Errno == Errno.None && both[0].Runs != flags ? 1 : 0;
            }
        }

        Assert.InRange(allowed, 300, 5700);
        Assert.InRange(refused, 300, 5700);
        Assert.InRange(rewritten, 50, 5700);
    }

    /// <summary>One request by clone, by clone3, and by the call that means just that.</summary>
    private static IEnumerable<(Errno Errno, ulong Runs)> AskAll(
        Policy policy, ulong flags, EntryPoint? plain)
    {
        // clone3 wants no exit signal of a thread or sibling.
        ulong signal = (flags & (CLONE_THREAD | CLONE_PARENT)) == 0 ? (ulong)SIGCHLD : 0;
        var args = new clone_args { flags = flags, exit_signal = signal, pidfd = 8, parent_tid = 16 };
        var world = new World(policy) { Memory = PipelineTests.Args(args) };
        foreach (Func<PendingClone> ask in new Func<PendingClone>[]
        {
            () => world.Ask(EntryPoint.Clone, flags | signal),
            () => Clone3(world),
            () => world.Ask(plain ?? EntryPoint.Clone, plain is null ? flags | signal : 0),
        })
        {
            PendingClone clone = ask();
            bool limited = clone.Verdict == CloneVerdict.Denied
                && clone.Refusal.By == RefusedBy.Limit;
            Errno errno = clone.Verdict != CloneVerdict.Denied || limited
                ? Errno.None : clone.Refusal.Errno;
            ulong first = clone.Runs.Rewritten || clone.Runs.Entry == EntryPoint.Clone
                ? clone.Runs.A0 & ~CSIGNAL : flags;
            yield return (errno, errno == Errno.None ? first : 0);
            if (clone.Verdict == CloneVerdict.Pending)
            {
                world.Pipeline.Run(clone, CloneMoment.Refused, errno: Errno.EAGAIN);
            }
        }
    }

    /// <summary>Flags that clone and clone3 can both say.</summary>
    private static ulong RandomFlags(Random random)
    {
        const ulong Both = CLONE_PIDFD | CLONE_PARENT_SETTID;
        ulong sayable = CloneFlags.Known & 0xffff_ffff & ~(CLONE_NEWTIME | CLONE_DETACHED);
        ulong few = (ulong)random.NextInt64() & (ulong)random.NextInt64() & (ulong)random.NextInt64();
        ulong flags = sayable & random.Next(4) switch
        {
            0 => few,
            1 => Thread | few,
            2 => (few & (few << 7)) | CLONE_VM | CLONE_VFORK,
            _ => 1UL << random.Next(8, 32),
        };
        return (flags & Both) == Both ? flags & ~CLONE_PIDFD : flags;
    }

    private static PendingClone Clone3(World world)
    {
        PendingClone clone = world.Pipeline.Begin(
            new(EntryPoint.Clone3, World.First, 0, CLONE_ARGS_SIZE_VER2, 0, 0, 0));
        world.Pipeline.Run(clone, CloneMoment.Asked);
        return clone;
    }

    internal static Policy Load(string creation, string extends = "permissive")
    {
        string text = $"{{version: 1, extends: {extends}, creation: {{{creation}}}}}";
        LoadedPolicy loaded = PolicyLoader.LoadText(Encoding.UTF8.GetBytes(text), "t.yaml");
        Assert.True(loaded.Policy is not null, string.Join('\n', loaded.Problems));
        return loaded.Policy;
    }
}
