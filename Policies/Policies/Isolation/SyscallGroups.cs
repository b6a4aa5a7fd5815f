using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using Interpose.Abi;
using static Interpose.Abi.Errno;

namespace Policies;

/// <summary>System calls that policies deny together.</summary>
/// <param name="Name">As policies write it.</param>
/// <param name="Errno">What its calls answer when they are denied.</param>
/// <param name="Dangerous">Whether taking a call out of it asks for a reason.</param>
/// <param name="Reason">Why it is denied, in one line.</param>
/// <param name="Calls">The names of its calls.</param>
public sealed record SyscallGroup(
    string Name, Errno Errno, bool Dangerous, string Reason, ImmutableArray<string> Calls)
{
    /// <summary>The numbers of its calls, in the order of their names.</summary>
    public ImmutableArray<int> Numbers { get; } = NumbersOf(Calls);

    private static ImmutableArray<int> NumbersOf(ImmutableArray<string> names)
    {
        var numbers = ImmutableArray.CreateBuilder<int>(names.Length);
        foreach (string name in names)
        {
            numbers.Add(SyscallNames.TryParse(name, out int number) ? number
                : throw new ArgumentException($"there is no system call {name}", nameof(names)));
        }

        return numbers.MoveToImmutable();
    }
}

/// <summary>
/// The groups of system calls. They are made after what Docker's documentation of its default
/// profile says it keeps from a container, as far as that goes by number; a call is in one group
/// at most.
/// </summary>
/// <remarks>
/// The answer is EPERM, which is what the kernel says to a caller without the capability, so
/// programs have a message for it. It is ENOSYS where kernels without the feature are about, and
/// libraries have a way without: then they take it. The last three are for programs that need
/// less than a container does. In no group, or open in a container: reading clocks by
/// adjtimex, ptrace and process_vm_readv, which the kernel judges by the target, and
/// name_to_handle_at, which opens nothing. What creates tasks or namespaces is the section
/// <c>creation</c>'s, and io_uring is always denied.
/// </remarks>
public static class SyscallGroups
{
    /// <summary>The groups in the order of listings.</summary>
    public static ImmutableArray<SyscallGroup> All { get; } =
    [
        new("@mount", EPERM, true,
            "changes to the tree of mounts and its root would undo the file view",
            ["mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen",
            "fsconfig", "fsmount", "fspick", "mount_setattr", "open_tree_attr"]),
        new("@module", EPERM, true,
            "code in the kernel is beyond any sandbox",
            ["init_module", "finit_module", "delete_module"]),
        new("@reboot", EPERM, true,
            "stopping the machine or starting another kernel ends every other program",
            ["reboot", "kexec_load", "kexec_file_load"]),
        new("@clock", EPERM, true,
            "the clock of the machine is everybody's",
            ["settimeofday", "clock_settime"]),
        new("@swap", EPERM, true,
            "swap space is the machine's, and holds the memory of every program",
            ["swapon", "swapoff"]),
        new("@rawio", EPERM, true,
            "ports of devices lead round every check of the kernel",
            ["iopl", "ioperm"]),
        new("@keyring", ENOSYS, true,
            "keyrings hold secrets of the caller and go with a program into its namespaces; ENOSYS "
                + "as of a kernel without keys, for which libraries have another way",
            ["add_key", "request_key", "keyctl"]),
        new("@debug", EPERM, true,
            "programs in the kernel, its counters, handling of page faults and reach into other "
                + "processes have been the way of many exploits",
            ["bpf", "perf_event_open", "userfaultfd", "kcmp", "pidfd_getfd",
            "process_madvise"]),
        new("@numa", ENOSYS, false,
            "placing memory on nodes tells of the machine and disturbs others, and moving pages "
                + "is little tried code; ENOSYS as of a kernel without nodes, so libnuma does "
                + "without",
            ["mbind", "set_mempolicy", "get_mempolicy", "set_mempolicy_home_node",
            "migrate_pages", "move_pages"]),
        new("@admin", EPERM, true,
            "accounting, quotas, names of the host, its log, its terminals, watching whole file "
                + "systems and opening files by handle, past the paths, are an administrator's",
            ["acct", "quotactl", "quotactl_fd", "sethostname", "setdomainname", "syslog",
            "vhangup", "fanotify_init", "open_by_handle_at"]),
        new("@obsolete", ENOSYS, false,
            "nothing has a use for them any more; ENOSYS as of most kernels",
            ["uselib", "ustat", "sysfs", "_sysctl", "nfsservctl", "create_module",
            "get_kernel_syms", "query_module", "getpmsg", "putpmsg", "afs_syscall", "tuxcall",
            "security", "vserver", "epoll_ctl_old", "epoll_wait_old", "lookup_dcookie"]),
        new("@network", EPERM, false,
            "whoever needs no network needs no sockets; those that it was given can be used",
            ["socket", "connect", "bind", "listen", "accept", "accept4"]),
        new("@trace", EPERM, false,
            "looking into other processes and steering them is for debuggers",
            ["ptrace", "process_vm_readv", "process_vm_writev"]),
        new("@ipc", ENOSYS, false,
            "memory, messages and semaphores for other processes; ENOSYS as of a kernel without",
            ["shmget", "shmat", "shmctl", "shmdt", "msgget", "msgsnd", "msgrcv", "msgctl",
            "semget", "semop", "semtimedop", "semctl", "mq_open", "mq_unlink", "mq_timedsend",
            "mq_timedreceive", "mq_notify", "mq_getsetattr"]),
    ];

    /// <summary>Finds a group by name; null when there is none.</summary>
    public static SyscallGroup? Find(string name)
    {
        foreach (SyscallGroup group in All)
        {
            if (group.Name == name)
            {
                return group;
            }
        }

        return null;
    }

    /// <summary>The group that a call is in; null when it is in none.</summary>
    public static SyscallGroup? Of(int number)
    {
        foreach (SyscallGroup group in All)
        {
            if (group.Numbers.Contains(number))
            {
                return group;
            }
        }

        return null;
    }

    /// <summary>What a call answers when it is denied, by itself or with its group.</summary>
    public static Errno Answer(int number) => Of(number)?.Errno ?? EPERM;

    /// <summary>
    /// Why a policy cannot deny or allow a call here, to follow its name; null when it can.
    /// </summary>
    public static string? Unjudged(string name) => name switch
    {
        "fork" or "vfork" or "clone" or "clone3" or "unshare" or "setns" =>
            $"is decided by the section creation; close it with creation.entry.{name}",
        "io_uring_setup" or "io_uring_enter" or "io_uring_register" =>
            "is always denied, for no filter sees what the kernel does for it",
        "seccomp" or "ioctl" => "is looked at by the filter of every run, which lets it pass "
            + "but for what would end the sandbox",
        "execve" or "exit" or "exit_group" or "rt_sigreturn" or "restart_syscall" =>
            "is what every program starts, goes on or ends by",
        _ => null,
    };

    /// <summary>The names of groups and calls that a policy can deny or allow.</summary>
    public static IEnumerable<string> Names()
    {
        foreach (SyscallGroup group in All)
        {
            yield return group.Name;
        }

        foreach (string name in SyscallNames.All)
        {
            if (Unjudged(name) is null)
            {
                yield return name;
            }
        }
    }
}
