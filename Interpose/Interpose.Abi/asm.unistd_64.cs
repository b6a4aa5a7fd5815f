namespace Interpose.Abi;

/// <summary>asm/unistd_64.h: the numbers of system calls, syscalls(2).</summary>
public static partial class Uapi
{
    public const int __NR_read = 0;
    public const int __NR_write = 1;
    public const int __NR_open = 2;
    public const int __NR_close = 3;
    public const int __NR_ioctl = 16;
    public const int __NR_pipe2 = 293;
    public const int __NR_dup2 = 33;
    public const int __NR_dup3 = 292;
    public const int __NR_getpid = 39;
    public const int __NR_sendto = 44;
    public const int __NR_clone = 56;
    public const int __NR_fork = 57;
    public const int __NR_vfork = 58;
    public const int __NR_execve = 59;
    public const int __NR_exit = 60;
    public const int __NR_wait4 = 61;
    public const int __NR_kill = 62;
    public const int __NR_fcntl = 72;
    public const int __NR_fchdir = 81;
    public const int __NR_chdir = 80;
    public const int __NR_rt_sigaction = 13;
    public const int __NR_rt_sigprocmask = 14;
    public const int __NR_rt_sigtimedwait = 128;
    public const int __NR_getrlimit = 97;
    public const int __NR_ptrace = 101;
    public const int __NR_prctl = 157;
    public const int __NR_setpriority = 141;
    public const int __NR_getpriority = 140;
    public const int __NR_sched_setscheduler = 144;
    public const int __NR_sched_getscheduler = 145;
    public const int __NR_sched_setaffinity = 203;
    public const int __NR_sched_getaffinity = 204;
    public const int __NR_gettid = 186;
    public const int __NR_futex = 202;
    public const int __NR_exit_group = 231;
    public const int __NR_waitid = 247;
    public const int __NR_tgkill = 234;
    public const int __NR_unshare = 272;
    public const int __NR_setns = 308;
    public const int __NR_prlimit64 = 302;
    public const int __NR_process_vm_readv = 310;
    public const int __NR_kcmp = 312;
    public const int __NR_seccomp = 317;
    public const int __NR_io_uring_setup = 425;
    public const int __NR_io_uring_enter = 426;
    public const int __NR_io_uring_register = 427;
    public const int __NR_close_range = 436;
    public const int __NR_clone3 = 435;
    public const int __NR_faccessat2 = 439;
    public const int __NR_openat2 = 437;
    public const int __NR_pidfd_open = 434;
    public const int __NR_pidfd_send_signal = 424;
    public const int __NR_memfd_create = 319;
}
