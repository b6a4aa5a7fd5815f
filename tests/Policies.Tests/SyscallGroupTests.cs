using System.Linq;
using Interpose.Abi;

namespace Policies.Tests;

/// <summary>The table of groups of system calls.</summary>
public sealed class SyscallGroupTests
{
    [Fact]
    public void A_call_is_in_one_group_at_most_and_can_be_denied()
    {
        string[] calls = [.. SyscallGroups.All.SelectMany(g => g.Calls)];
        Assert.Equal(calls.Distinct(), calls);
        Assert.All(calls, c => Assert.Null(SyscallGroups.Unjudged(c)));
        Assert.All(SyscallGroups.All, g => Assert.Equal(g.Calls.Length, g.Numbers.Length));
    }

    [Fact]
    public void Every_group_says_why_in_one_line()
    {
        Assert.All(SyscallGroups.All, g => Assert.Matches("^@[a-z]+$", g.Name));
        Assert.All(SyscallGroups.All, g => Assert.DoesNotContain('\n', g.Reason));
        Assert.All(SyscallGroups.All, g => Assert.InRange(g.Reason.Length, 20, 200));
        Assert.All(SyscallGroups.All, g => Assert.Equal(
            g.Errno == Errno.ENOSYS, g.Reason.Contains("ENOSYS", System.StringComparison.Ordinal)));
    }

    [Fact]
    public void A_call_answers_as_its_group_whoever_names_it()
    {
        foreach (SyscallGroup group in SyscallGroups.All)
        {
            Assert.Same(group, SyscallGroups.Find(group.Name));
            Assert.All(group.Numbers, n => Assert.Equal(group.Errno, SyscallGroups.Answer(n)));
            Assert.All(group.Numbers, n => Assert.Same(group, SyscallGroups.Of(n)));
        }

        Assert.Equal(Errno.EPERM, SyscallGroups.Answer(0));
        Assert.Null(SyscallGroups.Of(0));
    }

    /// <summary>
    /// What containers of Docker get only with a capability more, and other calls of x86-64 that
    /// its default profile of 2022 does not let through: from the documentation of its profile.
    /// </summary>
    [Theory]
    [InlineData("acct add_key bpf clock_settime create_module delete_module finit_module fsopen fsconfig")]
    [InlineData("fsmount fspick get_kernel_syms get_mempolicy init_module ioperm iopl kcmp kexec_file_load")]
    [InlineData("kexec_load keyctl lookup_dcookie mbind mount mount_setattr move_mount move_pages nfsservctl")]
    [InlineData("open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise quotactl")]
    [InlineData("quotactl_fd query_module reboot request_key set_mempolicy settimeofday sethostname setdomainname")]
    [InlineData("swapon swapoff sysfs syslog _sysctl umount2 uselib userfaultfd ustat vhangup fanotify_init chroot")]
    [InlineData("migrate_pages set_mempolicy_home_node")]
    public void The_groups_deny_what_containers_do_without(string calls) => Assert.All(
        calls.Split(' '), c => Assert.Contains(SyscallGroups.All, g => g.Calls.Contains(c)));

    [Theory]
    [InlineData("default")]
    [InlineData("build")]
    public void What_ordinary_programs_call_is_open(string profile)
    {
        const string ordinary = "read write openat mmap ptrace process_vm_readv personality adjtimex "
            + "name_to_handle_at memfd_create prctl socket landlock_restrict_self statmount rseq";
        Assert.All(
            ordinary.Split(' '),
            c => Assert.DoesNotContain(
                BuiltinPolicies.Get(profile).Isolation.Denied,
                d => SyscallNames.Of(d.Number) == c));
    }
}
