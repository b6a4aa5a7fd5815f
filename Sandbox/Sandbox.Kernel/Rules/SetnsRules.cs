using System.Collections.Immutable;
using Interpose.Abi;
using Policies;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Rules;

/// <summary>What a descriptor given to setns(2) is.</summary>
public enum SetnsTargetKind
{
    /// <summary>No open descriptor.</summary>
    Closed,

    /// <summary>A namespace: nsfs.</summary>
    Namespace,

    /// <summary>A process: a pidfd.</summary>
    Process,

    /// <summary>A pidfd whose process has ended.</summary>
    DeadProcess,

    /// <summary>Anything else.</summary>
    Other,
}

/// <summary>What is known of a descriptor given to setns(2).</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Type">The namespace's CLONE_NEW flag; 0 for others.</param>
/// <param name="MayInspect">PTRACE_MODE_READ on the process, for a pidfd.</param>
/// <param name="IsOwnUser">The user namespace that it leads to is the caller's own.</param>
/// <param name="HasSysAdminThere">CAP_SYS_ADMIN in what owns the namespaces.</param>
public readonly record struct SetnsTarget(
    SetnsTargetKind Kind, ulong Type, bool MayInspect, bool IsOwnUser, bool HasSysAdminThere);

/// <summary>
/// What the kernel asks of setns(2), in the order in which it goes through the kinds. The
/// request's flags are the second argument.
/// </summary>
public static class SetnsRules
{
    private const string Install = "validate_nsset";

    /// <summary>The rules in order.</summary>
    public static ImmutableArray<KernelRule> All { get; } =
    [
        On("no such descriptor", "sys_setns", Errno.EBADF,
            static (_, t) => t.Kind == SetnsTargetKind.Closed),
        On("another kind of descriptor", "sys_setns", Errno.EINVAL,
            static (_, t) => t.Kind == SetnsTargetKind.Other),
        On("the namespace is of another type", "sys_setns", Errno.EINVAL,
            static (flags, t) => t.Kind == SetnsTargetKind.Namespace && flags != 0
                && flags != t.Type),
        On("no or unknown types for a process", "check_setns_flags", Errno.EINVAL,
            static (flags, t) => IsPidFd(t)
                && (flags == 0 || (flags & ~CloneFlags.Namespaces) != 0)),
        On("the process has ended", "sys_setns", Errno.ESRCH,
            static (_, t) => t.Kind == SetnsTargetKind.DeadProcess),
        On("the process may not be inspected", Install, Errno.EPERM,
            static (_, t) => IsPidFd(t) && !t.MayInspect),
        On("the caller's own user namespace", "userns_install", Errno.EINVAL,
            static (flags, t) => Wants(flags, t, CLONE_NEWUSER) && t.IsOwnUser),
        Also("a user namespace from many threads", "userns_install", Errno.EINVAL, CLONE_NEWUSER,
            static (caller, _) => caller.IsMultiThreaded),
        Also("a user namespace with shared fs", "userns_install", Errno.EINVAL, CLONE_NEWUSER,
            static (caller, _) => caller.SharesFs),
        On("a user namespace without CAP_SYS_ADMIN there", "userns_install", Errno.EPERM,
            static (flags, t) => Wants(flags, t, CLONE_NEWUSER) && !t.HasSysAdminThere),
        Capable("a mount namespace", "mntns_install", CLONE_NEWNS),
        Also("a mount namespace with shared fs", "mntns_install", Errno.EINVAL, CLONE_NEWNS,
            static (caller, alone) => alone ? caller.SharesFs : false),
        Also("a mount namespace among others with shared fs", "mntns_install", Errno.EINVAL,
            CLONE_NEWNS, static (caller, alone) => alone ? false : caller.SharesFs)
            with { Backported = SharedFs },
        Capable("a uts namespace", "utsns_install", CLONE_NEWUTS),
        Capable("an ipc namespace", "ipcns_install", CLONE_NEWIPC),
        Capable("a pid namespace", "pidns_install", CLONE_NEWPID),
        Capable("a cgroup namespace", "cgroupns_install", CLONE_NEWCGROUP),
        Capable("a net namespace", "netns_install", CLONE_NEWNET),
        Also("a time namespace with shared memory", "timens_install", Errno.EUSERS, CLONE_NEWTIME,
            static (caller, _) => caller.SharesMm),
        Capable("a time namespace", "timens_install", CLONE_NEWTIME),
    ];

    /// <summary>"mount: refuse setns() with a shared fs_struct again" - its subject.</summary>
    private static StableChange SharedFs => new(
        With: [new(6, 12, 117)],
        Without: [new(6, 1, 192), new(6, 12, 116), new(6, 18, 44)]);

    private delegate bool TargetTest(ulong flags, SetnsTarget target);

    /// <summary>
    /// Several namespaces of a process at once are installed into a copy of the caller's fs:
    /// <c>prepare_nsset</c>. Kernels that look at the copy find that nobody shares it.
    /// </summary>
    private delegate bool? CallerTest(CallerFacts caller, bool alone);

    private static bool IsPidFd(SetnsTarget target) =>
        target.Kind is SetnsTargetKind.Process or SetnsTargetKind.DeadProcess;

    private static bool Wants(ulong flags, SetnsTarget target, ulong type) =>
        ((target.Kind == SetnsTargetKind.Namespace ? target.Type : flags) & type) != 0;

    private static KernelRule On(string name, string function, Errno errno, TargetTest test) =>
        new(name, function, errno,
            (in i) => i.Caller.Setns is { } target ? test(i.Request.Flags, target) : null);

    private static KernelRule Also(
        string name, string function, Errno errno, ulong type, CallerTest test) =>
        new(name, function, errno, (in i) => i.Caller.Setns is not { } target ? null
            : Wants(i.Request.Flags, target, type)
                ? test(i.Caller, !IsPidFd(target) || i.Request.Flags == type) : false);

    private static KernelRule Capable(string what, string function, ulong type) => new(
        what + " without CAP_SYS_ADMIN", function, Errno.EPERM,
        (in i) => i.Caller.Setns is not { } target ? null
            : !Wants(i.Request.Flags, target, type) ? false
            : !target.HasSysAdminThere ? true : !i.Caller.HasSysAdmin);
}
