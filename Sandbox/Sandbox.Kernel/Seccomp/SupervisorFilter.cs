using System;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Seccomp;

/// <summary>
/// The filter of the supervisor itself, in force before the first guest instruction: what a
/// supervisor that a guest had taken over would want, and ours never does.
/// </summary>
/// <remarks>
/// It lists what is forbidden, for nobody can list all that a runtime and its collector call.
/// What only a stranger would ask for ends the process, and with it every guest: an error
/// could be tried again and again. Two things are answered with an error, because code that is
/// not ours may ask for them and go on without: clone3, whose flags no filter can read (glibc
/// falls back on clone), and memory to execute.
/// </remarks>
public static class SupervisorFilter
{
    private const uint X32Bit = 0x4000_0000;

    /// <summary>What the engine asks of ptrace(2) once the first task is attached.</summary>
    private static ReadOnlySpan<int> TracingInUse =>
    [
        PTRACE_CONT, PTRACE_POKEUSR, PTRACE_GET_SYSCALL_INFO, PTRACE_GETSIGINFO, PTRACE_SYSCALL,
        PTRACE_GETEVENTMSG, PTRACE_PEEKUSR, PTRACE_LISTEN, PTRACE_GETREGS, PTRACE_SETREGS,
        PTRACE_INTERRUPT, PTRACE_GETSIGMASK, PTRACE_SETSIGMASK,
    ];

    /// <summary>Another program, and memory or descriptors of another process.</summary>
    private static ReadOnlySpan<int> Processes =>
    [
        __NR_execve, __NR_execveat, __NR_fork, __NR_vfork, __NR_process_vm_writev,
        __NR_process_madvise, __NR_pidfd_getfd, __NR_userfaultfd, __NR_personality,
        __NR_modify_ldt, __NR_io_uring_setup, __NR_io_uring_enter, __NR_io_uring_register,
    ];

    /// <summary>Other credentials, other namespaces, the network.</summary>
    private static ReadOnlySpan<int> Identity =>
    [
        __NR_setuid, __NR_setgid, __NR_setreuid, __NR_setregid, __NR_setresuid, __NR_setresgid,
        __NR_setfsuid, __NR_setfsgid, __NR_setgroups, __NR_capset, __NR_keyctl, __NR_add_key,
        __NR_request_key, __NR_unshare, __NR_setns, __NR_sethostname, __NR_setdomainname,
        __NR_socket, __NR_socketpair, __NR_connect, __NR_bind,
    ];

    /// <summary>The state of the machine.</summary>
    private static ReadOnlySpan<int> Machine =>
    [
        __NR_init_module, __NR_finit_module, __NR_delete_module, __NR_kexec_load,
        __NR_kexec_file_load, __NR_reboot, __NR_swapon, __NR_swapoff, __NR_iopl, __NR_ioperm,
        __NR_bpf, __NR_perf_event_open, __NR_acct, __NR_quotactl, __NR_syslog,
        __NR_settimeofday, __NR_clock_settime, __NR_adjtimex, __NR_clock_adjtime,
    ];

    /// <summary>
    /// Mounts, and changes to what files there are and who may use them, but for rmdir(2): the
    /// cgroup of a run goes with it, and no other directory that is empty is worth much.
    /// </summary>
    private static ReadOnlySpan<int> Files =>
    [
        __NR_mount, __NR_umount2, __NR_pivot_root, __NR_chroot, __NR_move_mount, __NR_open_tree,
        __NR_fsopen, __NR_fsconfig, __NR_fsmount, __NR_fspick, __NR_mount_setattr,
        __NR_open_by_handle_at, __NR_openat2, __NR_creat, __NR_truncate, __NR_rename,
        __NR_renameat, __NR_renameat2, __NR_unlink, __NR_unlinkat, __NR_mkdir, __NR_mkdirat,
        __NR_link, __NR_linkat, __NR_symlink, __NR_symlinkat, __NR_mknod,
        __NR_mknodat, __NR_chmod, __NR_fchmod, __NR_fchmodat, __NR_chown, __NR_lchown,
        __NR_fchown, __NR_fchownat, __NR_setxattr, __NR_lsetxattr, __NR_fsetxattr,
        __NR_removexattr, __NR_lremovexattr, __NR_fremovexattr, __NR_memfd_create,
        __NR_memfd_secret,
    ];

    /// <summary>The program, ready for SECCOMP_SET_MODE_FILTER.</summary>
    public static sock_filter[] Compile()
    {
        var code = new FilterAssembler();
        FilterLabel allow = code.Answer(SECCOMP_RET_ALLOW);
        FilterLabel kill = code.Answer(SECCOMP_RET_KILL_PROCESS);
        var known = new FilterLabel();
        code.LoadArchitecture();
        code.Jump(BPF_JEQ, AUDIT_ARCH_X86_64, known, kill);
        code.Bind(known);
        code.LoadNumber();
        code.Jump(BPF_JGE, X32Bit, kill);

        // The most frequent one first.
        var other = new FilterLabel();
        code.Jump(BPF_JEQ, __NR_ptrace, null, other);
        code.LoadArgument(0);
        foreach (int request in TracingInUse)
        {
            code.Jump(BPF_JEQ, (uint)request, allow);
        }

        code.Return(SECCOMP_RET_KILL_PROCESS);
        code.Bind(other);
        FilterLabel noSuchCall = code.Answer(SECCOMP_RET_ERRNO | (uint)Errno.ENOSYS);
        FilterLabel mayNot = code.Answer(SECCOMP_RET_ERRNO | (uint)Errno.EPERM);
        code.Jump(BPF_JEQ, __NR_clone3, noSuchCall);
        WhereBits(code, __NR_clone, 0, (uint)CLONE_THREAD, allow, kill);
        WhereBits(code, __NR_open, 1, O_CREAT | O_TRUNC, kill, allow);
        WhereBits(code, __NR_openat, 2, O_CREAT | O_TRUNC, kill, allow);
        WhereBits(code, __NR_mmap, 2, PROT_EXEC, mayNot, allow);
        WhereBits(code, __NR_mprotect, 2, PROT_EXEC, mayNot, allow);
        WhereBits(code, __NR_pkey_mprotect, 2, PROT_EXEC, mayNot, allow);
        Forbid(code, Processes, kill);
        Forbid(code, Identity, kill);
        Forbid(code, Machine, kill);
        Forbid(code, Files, kill);
        code.Return(SECCOMP_RET_ALLOW);
        return code.Finish();
    }

    private static void WhereBits(
        FilterAssembler code, int number, int argument, uint bits, FilterLabel set,
        FilterLabel clear)
    {
        var other = new FilterLabel();
        code.Jump(BPF_JEQ, (uint)number, null, other);
        code.LoadArgument(argument);
        code.Jump(BPF_JSET, bits, set, clear);
        code.Bind(other);
    }

    private static void Forbid(FilterAssembler code, ReadOnlySpan<int> numbers, FilterLabel kill)
    {
        foreach (int number in numbers)
        {
            code.Jump(BPF_JEQ, (uint)number, kill);
        }
    }
}
