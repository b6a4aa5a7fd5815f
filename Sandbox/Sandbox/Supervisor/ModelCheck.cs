using Interpose.Abi;
using Interpose.Placement;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Tasks;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <summary>Holds the model of a new task against what the kernel really made of it.</summary>
internal static class ModelCheck
{
    /// <summary>Compares a published child with its creator; both are stopped.</summary>
    /// <returns>Null, or the first difference in words.</returns>
    public static string? Compare(PendingClone clone, TaskTable table)
    {
        if (!table.TryFind(clone.Child, out GuestTask? child) || child.State == TaskState.Dead)
        {
            return null;
        }

        // A caller that died in the middle may stand for another one that made the same call.
        bool known = clone.Caller is not { State: TaskState.Dead };
        return CompareIds(child, known) ?? (known && clone.Caller is { } caller
            ? CompareGroups(child, caller) : null);
    }

    private static string? CompareIds(GuestTask child, bool callerIsKnown)
    {
        if (TaskAttributes.Status(child.Tid, "Tgid") is not { } tgid || tgid == 0)
        {
            return null;
        }

        if (tgid != (ulong)child.Group.Tgid.Value)
        {
            return $"task {child.Tid} is of process {tgid}, not {child.Group.Tgid}";
        }

        ulong parent = TaskAttributes.Status(child.Tid, "PPid") ?? 0;
        return callerIsKnown && child.Group.Parent is { } expected
            && parent != (ulong)expected.Tgid.Value && parent != 0 && Lives(expected.Tgid)
            ? $"task {child.Tid} has parent {parent}, not {expected.Tgid}" : null;
    }

    private static string? CompareGroups(GuestTask child, GuestTask caller)
    {
        for (int i = 0; i < ResourceGroup.Kinds; i++)
        {
            var kind = (ResourceKind)i;
            bool? told = ResourceGroup.IsNamespace(kind) ? InOneNamespace(kind, child, caller)
                : TypeOf(kind) is { } type ? TaskAttributes.Share(child.Tid, caller.Tid, type)
                : null;
            if (told is not { } shared)
            {
                continue;
            }

            // Tasks without an I/O context or semaphore list have the same one: none.
            bool mayBeNone = kind is ResourceKind.Io or ResourceKind.SemUndo;
            bool expected = child.Shares(kind, caller);
            if (shared != expected && !(shared && mayBeNone) && Lives(child.Tid)
                && Lives(caller.Tid) && !IsTakenOver(caller))
            {
                return $"task {child.Tid} {(shared ? "shares" : "does not share")} "
                    + $"{kind} with {caller.Tid}";
            }
        }

        return null;
    }

    /// <summary>
    /// For pid and time a caller may have chosen another one for its children: unshare(2).
    /// </summary>
    private static bool? InOneNamespace(ResourceKind kind, GuestTask child, GuestTask caller)
    {
        (string link, string callers) = kind switch
        {
            ResourceKind.MountNamespace => ("mnt", "mnt"),
            ResourceKind.UtsNamespace => ("uts", "uts"),
            ResourceKind.IpcNamespace => ("ipc", "ipc"),
            ResourceKind.UserNamespace => ("user", "user"),
            ResourceKind.PidNamespace => ("pid", "pid_for_children"),
            ResourceKind.NetNamespace => ("net", "net"),
            ResourceKind.CgroupNamespace => ("cgroup", "cgroup"),
            _ => ("time", "time_for_children"),
        };
        string? a = TaskAttributes.Namespace(child.Tid, link);
        string? b = TaskAttributes.Namespace(caller.Tid, callers);
        return a is null || b is null ? null : a == b;
    }

    /// <summary>
    /// Whether a task still had its resources when a difference was found: one that was killed
    /// meanwhile has lost them, and its children, before its end is reported.
    /// </summary>
    private static bool Lives(HostTid task) => TaskAttributes.Status(task, "FDSize") is > 0;

    /// <summary>
    /// Whether an exec from another thread, of which nothing is known yet, has killed a caller and
    /// taken its id: then its process has one thread left, and another address space.
    /// </summary>
    private static bool IsTakenOver(GuestTask caller) =>
        caller.Group.Threads > 1 && TaskAttributes.Status(caller.Tid, "Threads") is 1;

    private static int? TypeOf(ResourceKind kind) => kind switch
    {
        ResourceKind.Mm => KCMP_VM,
        ResourceKind.Files => KCMP_FILES,
        ResourceKind.Fs => KCMP_FS,
        ResourceKind.Sighand => KCMP_SIGHAND,
        ResourceKind.Io => KCMP_IO,
        ResourceKind.SemUndo => KCMP_SYSVSEM,
        _ => null,
    };
}
