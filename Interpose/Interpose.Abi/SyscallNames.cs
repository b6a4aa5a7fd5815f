using System;
using System.Collections.Generic;

namespace Interpose.Abi;

/// <summary>
/// The system calls of x86-64 by name: asm/unistd_64.h, up to file_setattr of Linux 6.17.
/// </summary>
public static class SyscallNames
{
    /// <summary>Where the numbers that all architectures share begin.</summary>
    private const int Shared = 424;

    /// <summary>The calls from 0 on, each behind the one before it.</summary>
    private const string First = """
        read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction
        rt_sigprocmask rt_sigreturn ioctl pread64 pwrite64 readv writev access pipe select
        sched_yield mremap msync mincore madvise shmget shmat shmctl dup dup2 pause nanosleep
        getitimer alarm setitimer getpid sendfile socket connect accept sendto recvfrom sendmsg
        recvmsg shutdown bind listen getsockname getpeername socketpair setsockopt getsockopt
        clone fork vfork execve exit wait4 kill uname semget semop semctl shmdt msgget msgsnd
        msgrcv msgctl fcntl flock fsync fdatasync truncate ftruncate getdents getcwd chdir fchdir
        rename mkdir rmdir creat link unlink symlink readlink chmod fchmod chown fchown lchown
        umask gettimeofday getrlimit getrusage sysinfo times ptrace getuid syslog getgid setuid
        setgid geteuid getegid setpgid getppid getpgrp setsid setreuid setregid getgroups
        setgroups setresuid getresuid setresgid getresgid getpgid setfsuid setfsgid getsid capget
        capset rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend sigaltstack utime mknod
        uselib personality ustat statfs fstatfs sysfs getpriority setpriority sched_setparam
        sched_getparam sched_setscheduler sched_getscheduler sched_get_priority_max
        sched_get_priority_min sched_rr_get_interval mlock munlock mlockall munlockall vhangup
        modify_ldt pivot_root _sysctl prctl arch_prctl adjtimex setrlimit chroot sync acct
        settimeofday mount umount2 swapon swapoff reboot sethostname setdomainname iopl ioperm
        create_module init_module delete_module get_kernel_syms query_module quotactl nfsservctl
        getpmsg putpmsg afs_syscall tuxcall security gettid readahead setxattr lsetxattr fsetxattr
        getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr removexattr lremovexattr
        fremovexattr tkill time futex sched_setaffinity sched_getaffinity set_thread_area io_setup
        io_destroy io_getevents io_submit io_cancel get_thread_area lookup_dcookie epoll_create
        epoll_ctl_old epoll_wait_old remap_file_pages getdents64 set_tid_address restart_syscall
        semtimedop fadvise64 timer_create timer_settime timer_gettime timer_getoverrun
        timer_delete clock_settime clock_gettime clock_getres clock_nanosleep exit_group
        epoll_wait epoll_ctl tgkill utimes vserver mbind set_mempolicy get_mempolicy mq_open
        mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr kexec_load waitid add_key
        request_key keyctl ioprio_set ioprio_get inotify_init inotify_add_watch inotify_rm_watch
        migrate_pages openat mkdirat mknodat fchownat futimesat newfstatat unlinkat renameat
        linkat symlinkat readlinkat fchmodat faccessat pselect6 ppoll unshare set_robust_list
        get_robust_list splice tee sync_file_range vmsplice move_pages utimensat epoll_pwait
        signalfd timerfd_create eventfd fallocate timerfd_settime timerfd_gettime accept4
        signalfd4 eventfd2 epoll_create1 dup3 pipe2 inotify_init1 preadv pwritev rt_tgsigqueueinfo
        perf_event_open recvmmsg fanotify_init fanotify_mark prlimit64 name_to_handle_at
        open_by_handle_at clock_adjtime syncfs sendmmsg setns getcpu process_vm_readv
        process_vm_writev kcmp finit_module sched_setattr sched_getattr renameat2 seccomp
        getrandom memfd_create kexec_file_load bpf execveat userfaultfd membarrier mlock2
        copy_file_range preadv2 pwritev2 pkey_mprotect pkey_alloc pkey_free statx io_pgetevents
        rseq
        """;

    /// <summary>The calls from <see cref="Shared"/> on.</summary>
    private const string Second = """
        pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount
        fsopen fsconfig fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd
        faccessat2 process_madvise epoll_pwait2 mount_setattr quotactl_fd landlock_create_ruleset
        landlock_add_rule landlock_restrict_self memfd_secret process_mrelease futex_waitv
        set_mempolicy_home_node cachestat fchmodat2 map_shadow_stack futex_wake futex_wait
        futex_requeue statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules
        mseal setxattrat getxattrat listxattrat removexattrat open_tree_attr file_getattr
        file_setattr
        """;

    /// <summary>Every name, in the order of numbers.</summary>
    public static IEnumerable<string> All => [.. Split(First), .. Split(Second)];

    /// <summary>The number of a call; false when there is none of this name.</summary>
    /// <remarks>
    /// The texts are searched as they stand: an index is 40 kB that each start would allocate.
    /// </remarks>
    public static bool TryParse(string name, out int number)
    {
        int first = IndexOf(First, name);
        int second = first < 0 ? IndexOf(Second, name) : -1;
        number = first >= 0 ? first : Shared + second;
        return first >= 0 || second >= 0;
    }

    /// <summary>The name of a number; null when no call has it.</summary>
    public static string? Of(int number) =>
        number < Shared ? At(First, number) : At(Second, number - Shared);

    private static string[] Split(string text) => text.Split([' ', '\n']);

    /// <summary>Which word of a text a name is; -1 for none.</summary>
    private static int IndexOf(string text, string name)
    {
        int from = name.Length == 0 ? -1 : text.IndexOf(name, StringComparison.Ordinal);
        while (from >= 0)
        {
            int end = from + name.Length;
            bool begins = from == 0 || IsBetween(text[from - 1]);
            if (begins && (end == text.Length || IsBetween(text[end])))
            {
                ReadOnlySpan<char> before = text.AsSpan(0, from);
                return before.Count(' ') + before.Count('\n');
            }

            from = text.IndexOf(name, end, StringComparison.Ordinal);
        }

        return -1;
    }

    private static bool IsBetween(char one) => one is ' ' or '\n';

    /// <summary>A word of a text by its place; null for none.</summary>
    private static string? At(string text, int index)
    {
        ReadOnlySpan<char> rest = text;
        for (; index > 0 && !rest.IsEmpty; index--)
        {
            int end = rest.IndexOfAny(' ', '\n');
            rest = end < 0 ? [] : rest[(end + 1)..];
        }

        int length = rest.IndexOfAny(' ', '\n');
        return index != 0 || rest.IsEmpty ? null
            : (length < 0 ? rest : rest[..length]).ToString();
    }
}
