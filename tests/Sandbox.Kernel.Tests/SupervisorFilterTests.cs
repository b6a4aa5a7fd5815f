using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using Interpose.Abi;
using Sandbox.Kernel.Seccomp;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>The supervisor's own filter forbids what it never does, and nothing that it does.</summary>
public sealed class SupervisorFilterTests
{
    private const uint Allow = SECCOMP_RET_ALLOW;
    private const uint Kill = SECCOMP_RET_KILL_PROCESS;
    private static readonly sock_filter[] Program = SupervisorFilter.Compile();

    /// <summary>Calls of ours that are made while guests run, whatever their arguments.</summary>
    private static readonly int[] Used =
    [
        __NR_read, __NR_write, __NR_close, __NR_munmap, __NR_getpid, __NR_wait4, __NR_readlink,
        __NR_kill, __NR_fcntl, __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_rt_sigtimedwait,
        __NR_prctl, __NR_setpriority, __NR_getpriority, __NR_sched_setscheduler,
        __NR_sched_getscheduler, __NR_sched_setaffinity, __NR_sched_getaffinity, __NR_gettid,
        __NR_futex, __NR_exit, __NR_exit_group, __NR_tgkill, __NR_prlimit64,
        __NR_process_vm_readv, __NR_kcmp, __NR_faccessat2,
    ];

    [Fact]
    public void What_the_supervisor_calls_is_allowed() =>
        Assert.All(Used, nr => Assert.Equal(Allow, Answer(nr, ulong.MaxValue)));

    [Theory]
    [InlineData(__NR_execve)]
    [InlineData(__NR_execveat)]
    [InlineData(__NR_fork)]
    [InlineData(__NR_vfork)]
    [InlineData(__NR_process_vm_writev)]
    [InlineData(__NR_mount)]
    [InlineData(__NR_setns)]
    [InlineData(__NR_unshare)]
    [InlineData(__NR_init_module)]
    [InlineData(__NR_finit_module)]
    [InlineData(__NR_bpf)]
    [InlineData(__NR_setuid)]
    [InlineData(__NR_capset)]
    [InlineData(__NR_socket)]
    [InlineData(__NR_unlink)]
    [InlineData(__NR_rename)]
    [InlineData(__NR_io_uring_setup)]
    public void What_only_a_stranger_would_call_ends_it(int number) =>
        Assert.Equal(Kill, Answer(number, 0));

    [Fact]
    public void Of_ptrace_only_the_requests_in_use_are_left()
    {
        int[] used =
        [
            PTRACE_PEEKUSR, PTRACE_POKEUSR, PTRACE_CONT, PTRACE_SYSCALL, PTRACE_LISTEN,
            PTRACE_GETEVENTMSG, PTRACE_GETSIGINFO, PTRACE_GET_SYSCALL_INFO, PTRACE_GETREGS,
            PTRACE_SETREGS, PTRACE_INTERRUPT, PTRACE_GETSIGMASK, PTRACE_SETSIGMASK,
        ];
        for (int request = -1; request < 0x5000; request++)
        {
            uint expected = Array.IndexOf(used, request) >= 0 ? Allow : Kill;
            Assert.Equal(expected, Answer(__NR_ptrace, unchecked((uint)request)));
        }
    }

    [Fact]
    public void It_makes_threads_and_no_processes()
    {
        Assert.Equal(Allow, Answer(__NR_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD));
        Assert.Equal(Kill, Answer(__NR_clone, SIGCHLD));
        Assert.Equal(Kill, Answer(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD));
        Assert.Equal(
            SECCOMP_RET_ERRNO | (uint)Errno.ENOSYS, Answer(__NR_clone3, CLONE_THREAD));
    }

    [Fact]
    public void It_opens_no_file_to_make_or_empty_it_and_maps_no_code()
    {
        Assert.Equal(Allow, Answer(__NR_open, 0, O_WRONLY));
        Assert.Equal(Kill, Answer(__NR_open, 0, O_WRONLY | O_CREAT));
        Assert.Equal(Kill, Answer(__NR_open, 0, O_WRONLY | O_TRUNC));
        Assert.Equal(Kill, Answer(__NR_openat, 0, 0, O_CREAT));
        Assert.Equal(Allow, Answer(__NR_openat, O_CREAT, O_CREAT, O_RDONLY));
        Assert.All(
            new[] { __NR_mmap, __NR_mprotect, __NR_pkey_mprotect },
            nr =>
            {
                Assert.Equal(
                    SECCOMP_RET_ERRNO | (uint)Errno.EPERM, Answer(nr, 0, 0, PROT_EXEC | 1));
                Assert.Equal(Allow, Answer(nr, PROT_EXEC, PROT_EXEC, 3));
            });
    }

    [Fact]
    public void Another_architecture_or_numbering_ends_it()
    {
        Assert.Equal(Kill, Answer(0x4000_0000 + __NR_read, 0));
        Assert.Equal(Kill, Answer(-1, 0));
        var call = new seccomp_data { nr = __NR_read, arch = 0x4000_0003 };
        Assert.Equal(Kill, FilterEvaluator.Run(Program, call, out _));
    }

    [Fact]
    public void What_is_forbidden_is_named_once_and_the_rest_is_allowed()
    {
        var named = new HashSet<uint>(
            Program.Where(l => l.code == (BPF_JMP | BPF_JEQ | BPF_K)).Select(l => l.k));
        int[] numbers = [.. typeof(Uapi).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(f => f.Name.StartsWith("__NR_", StringComparison.Ordinal))
            .Select(f => (int)f.GetRawConstantValue()!)];
        Assert.InRange(numbers.Count(n => Answer(n, 0) == Kill), 90, 120);
        Assert.All(
            Enumerable.Range(0, 600).Where(n => !named.Contains((uint)n)),
            n => Assert.Equal(Allow, Answer(n, ulong.MaxValue)));
    }

    private static uint Answer(int nr, ulong arg0, ulong arg1 = 0, ulong arg2 = 0)
    {
        var call = new seccomp_data
        {
            nr = nr,
            arch = AUDIT_ARCH_X86_64,
            arg0 = arg0,
            arg1 = arg1,
            arg2 = arg2,
        };
        return FilterEvaluator.Run(Program, call, out _);
    }
}
