using System;
using System.Collections.Generic;
using System.Linq;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Seccomp;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>The compiled filter answers every call as the policy says.</summary>
public sealed class CreationFilterTests
{
    private const int Seed = 20_261;
    private const int Random = 300;
    private const int MostSteps = 64;

    private static readonly int[] Mentioned =
    [
        __NR_fork, __NR_vfork, __NR_clone, __NR_clone3, __NR_unshare, __NR_setns, __NR_seccomp,
        __NR_ioctl, __NR_io_uring_setup, __NR_io_uring_enter, __NR_io_uring_register,
    ];

    /// <summary>Those that can make a set-user-ID file.</summary>
    internal static readonly uint[] SetId =
    [
        __NR_chmod, __NR_fchmod, __NR_fchmodat, __NR_fchmodat2, __NR_mknod, __NR_mknodat,
        __NR_creat, __NR_open, __NR_openat, __NR_openat2,
    ];

    private static readonly FilterOptions[] Options =
        [new(false, false), new(false, true), new(true, false), new(true, true)];

    [Fact]
    public void The_filter_of_each_policy_that_ships_and_of_random_ones_is_the_policy()
    {
        var random = new Random(Seed);
        int policies = 0;
        foreach (Policy policy in RandomPolicies.Some(Seed, Random))
        {
            bool thorough = policies++ < BuiltinPolicies.Names.Count;
            foreach (FilterOptions options in Options)
            {
                sock_filter[] program = CreationFilter.Compile(policy, options);
                Compare(
                    program, new FilterOracle(policy, options),
                    new FilterCalls(program, random, thorough).All(), policy.Name);
            }
        }
    }

    [Fact]
    public void A_filter_that_differs_in_one_bit_of_one_constant_is_found_out()
    {
        Policy policy = BuiltinPolicies.Get("default");
        FilterOptions quiet = default;
        sock_filter[] program = CreationFilter.Compile(policy, quiet);
        var oracle = new FilterOracle(policy, quiet);
        List<seccomp_data> calls = [.. new FilterCalls(program, new Random(Seed), true).All()];
        int changed = 0;
        for (int i = 0; i < program.Length; i++)
        {
            if (program[i].code == (BPF_JMP | BPF_JSET | BPF_K))
            {
                sock_filter[] other = [.. program];
                other[i].k ^= 1U << (int)uint.Log2(program[i].k);
                Assert.Contains(calls, c => FilterEvaluator.Run(other, c, out _) != oracle.Expect(c));
                changed++;
            }
        }

        Assert.InRange(changed, 5, 100);
    }

    [Fact]
    public void Each_filter_is_short_and_only_jumps_forward()
    {
        foreach (Policy policy in RandomPolicies.Some(Seed + 1, Random))
        {
            foreach (FilterOptions options in Options)
            {
                sock_filter[] program = CreationFilter.Compile(policy, options);
                Assert.InRange(program.Length, 1, BPF_MAXINSNS);
                Assert.InRange(LongestPath(program), 1, MostSteps);
            }
        }
    }

    [Fact]
    public void The_longest_list_of_denials_still_fits()
    {
        string deny = string.Join(", ", CloneFlags.Names.Select(
            (name, i) => $"{name}: {(i % 2 == 0 ? "EPERM" : "EACCES")}"));
        Policy? policy = Policies.Files.PolicyLoader.LoadText(
            System.Text.Encoding.UTF8.GetBytes(
                $"{{version: 1, extends: permissive, creation: {{deny: {{{deny}}}}}}}"), "t").Policy;
        Assert.NotNull(policy);
        sock_filter[] program = CreationFilter.Compile(policy, default);
        Assert.InRange(program.Length, 100, BPF_MAXINSNS);
        Assert.InRange(LongestPath(program), 1, MostSteps);
    }

    [Fact]
    public void A_call_that_no_filter_names_is_allowed_by_its_number_alone()
    {
        foreach (Policy policy in RandomPolicies.Some(Seed + 2, 20))
        {
            foreach (FilterOptions options in Options)
            {
                sock_filter[] program = CreationFilter.Compile(policy, options);
                for (int number = 0; number < 600; number++)
                {
                    bool named = Array.IndexOf(Mentioned, number) >= 0
                        || (Array.IndexOf(SetId, (uint)number) >= 0 && !policy.MaySetId)
                        || policy.Isolation.Denied.Any(c => c.Number == number);
                    Assert.True(
                        IsAllowedForAll(program, number) || named, $"{policy.Name}: {number}");
                }

                Assert.False(IsAllowedForAll(program, __NR_ioctl));
                Assert.False(IsAllowedForAll(program, unchecked((int)0x4000_0000)));
            }
        }
    }

    [Fact]
    public void Every_call_that_a_policy_can_deny_fits_into_one_filter()
    {
        string deny = string.Join(", ", SyscallGroups.Names().Select(n => $"'{n}'"));
        Policy policy = Isolated($"deny: [{deny}]");
        Assert.InRange(policy.Isolation.Denied.Length, 350, 400);
        foreach (FilterOptions options in Options)
        {
            sock_filter[] program = CreationFilter.Compile(policy, options);
            Assert.InRange(program.Length, 350, BPF_MAXINSNS);
            Assert.InRange(LongestPath(program), 1, MostSteps);
            foreach (DeniedSyscall call in policy.Isolation.Denied)
            {
                var asked = new seccomp_data { nr = call.Number, arch = AUDIT_ARCH_X86_64 };
                uint answer = FilterEvaluator.Run(program, asked, out _);
                Assert.Equal(SECCOMP_RET_ERRNO | (uint)call.Errno, answer);
            }

            string[] open = [.. SyscallNames.All.Where(
                n => SyscallNames.TryParse(n, out int number) && IsAllowedForAll(program, number))];
            Assert.Equal(["rt_sigreturn", "execve", "exit", "restart_syscall", "exit_group"], open);
        }
    }

    [Fact]
    public void The_groups_cost_the_calls_that_are_not_in_them_little()
    {
        string groups = string.Join(", ", SyscallGroups.All.Select(g => $"'{g.Name}'"));
        sock_filter[] program = CreationFilter.Compile(Isolated($"deny: [{groups}]"), default);
        for (int number = 0; number < 470; number++)
        {
            if (Array.IndexOf(Mentioned, number) < 0 && Array.IndexOf(SetId, (uint)number) < 0)
            {
                var asked = new seccomp_data { nr = number, arch = AUDIT_ARCH_X86_64 };
                FilterEvaluator.Run(program, asked, out int steps);
                Assert.InRange(steps, 1, 17);
            }
        }
    }

    private static Policy Isolated(string syscalls)
    {
        Policies.Files.LoadedPolicy loaded = Policies.Files.PolicyLoader.LoadText(
            System.Text.Encoding.UTF8.GetBytes(
                $"{{version: 1, extends: default, isolation: {{syscalls: {{{syscalls}}}}}}}"), "t");
        Assert.Empty(loaded.Problems);
        return loaded.Policy!;
    }

    [Fact]
    public void A_policy_with_limits_or_resources_has_every_thread_stopped()
    {
        Assert.False(FilterOptions.For(BuiltinPolicies.Get("default"), false).LetsThreadsThrough);
        Assert.True(FilterOptions.For(BuiltinPolicies.Get("permissive"), false).LetsThreadsThrough);
        Policy? placed = Policies.Files.PolicyLoader.Load(["permissive"], ["resources.nice=5"]).Policy;
        Assert.False(FilterOptions.For(placed!, true).LetsThreadsThrough);
        Assert.True(FilterOptions.For(placed!, true).TellsDenials);
    }

    private static void Compare(
        sock_filter[] program, FilterOracle oracle, IEnumerable<seccomp_data> calls, string policy)
    {
        foreach (seccomp_data call in calls)
        {
            uint expected = oracle.Expect(call);
            uint answer = FilterEvaluator.Run(program, call, out int steps);
            if (answer != expected || steps > MostSteps)
            {
                Assert.Fail($"{policy}: call {call.nr:x} of {call.arch:x} with {call.arg0:x}, "
                    + $"{call.arg1:x}: {answer:x} for {expected:x} in {steps} steps\n"
                    + FilterListing.Write(program));
            }
        }
    }

    /// <summary>Instructions of the longest way through; fails on a way that leads out.</summary>
    private static int LongestPath(sock_filter[] program)
    {
        int[] longest = new int[program.Length];
        for (int i = program.Length - 1; i >= 0; i--)
        {
            sock_filter line = program[i];
            int kind = line.code & 7;
            int yes = kind == BPF_RET ? -1
                : line.code == (BPF_JMP | BPF_JA) ? i + 1 + (int)line.k
                : kind == BPF_JMP ? i + 1 + line.jt : i + 1;
            int no = kind == BPF_JMP && line.code != (BPF_JMP | BPF_JA) ? i + 1 + line.jf : yes;
            Assert.True(yes < program.Length && no < program.Length, $"{i} leads out");
            longest[i] = 1 + (kind == BPF_RET ? 0 : Math.Max(longest[yes], longest[no]));
        }

        return longest[0];
    }

    /// <summary>
    /// Whether the kernel allows a number without running the filter again: its
    /// <c>seccomp_is_const_allow</c>, which gives up at any load but of number and architecture.
    /// </summary>
    private static bool IsAllowedForAll(sock_filter[] program, int number)
    {
        uint loaded = 0;
        for (int at = 0; at < program.Length; at++)
        {
            sock_filter line = program[at];
            switch ((int)line.code)
            {
                case BPF_LD | BPF_W | BPF_ABS when line.k is 0 or 4:
                    loaded = line.k == 0 ? (uint)number : AUDIT_ARCH_X86_64;
                    break;
                case BPF_RET | BPF_K:
                    return line.k == SECCOMP_RET_ALLOW;
                case BPF_JMP | BPF_JA:
                    at += (int)line.k;
                    break;
                case BPF_JMP | BPF_JEQ | BPF_K:
                    at += loaded == line.k ? line.jt : line.jf;
                    break;
                case BPF_JMP | BPF_JGE | BPF_K:
                    at += loaded >= line.k ? line.jt : line.jf;
                    break;
                default:
                    return false;
            }
        }

        return false;
    }
}
