using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using Interpose.Abi;

namespace Sandbox.Kernel.Tasks;

/// <summary>Every published task of the run by its id, as the kernel's pid hash has them.</summary>
public sealed class TaskTable
{
    private readonly Dictionary<HostTid, GuestTask> _tasks = [];
    private readonly Dictionary<HostTid, ThreadGroup> _groups = [];

    /// <summary>Where records of tasks come from, and go to when they have ended.</summary>
    public TaskRecords Records { get; } = new();

    /// <summary>Tasks alive.</summary>
    public int Count => _tasks.Count;

    /// <summary>Processes alive, and those that are kept for a creation.</summary>
    public int Groups => _groups.Count;

    /// <summary>The tasks alive, in no order.</summary>
    public IEnumerable<GuestTask> Tasks => _tasks.Values;

    /// <summary>
    /// The processes of which a task lives, in no order. The id of one that is only kept for a
    /// creation may be a stranger's.
    /// </summary>
    public IReadOnlyCollection<ThreadGroup> Processes
    {
        get
        {
            var living = new HashSet<ThreadGroup>();
            foreach (GuestTask task in _tasks.Values)
            {
                living.Add(task.Group);
            }

            return living;
        }
    }

    /// <summary>Finds a task by its id.</summary>
    public bool TryFind(HostTid tid, [NotNullWhen(true)] out GuestTask? task) =>
        _tasks.TryGetValue(tid, out task);

    /// <summary>Publishes a task: <c>copy_process</c> under tasklist_lock.</summary>
    internal void Enter(GuestTask task, HostTid tid)
    {
        Invariant.Check(task.State == TaskState.Unpublished, "a task is published once");
        task.Tid = tid;
        task.State = TaskState.Published;
        task.Exists();
        if (task.Group.Tgid == default)
        {
            task.Group.Tgid = tid;
            bool used = _groups.TryGetValue(tid, out ThreadGroup? former) && Lives(former);
            Invariant.Check(!used, "a process id is in use once");
            _groups[tid] = task.Group;
        }

        Invariant.Check(_tasks.TryAdd(tid, task), "a task id is in use once");
    }

    /// <summary>
    /// A task has ended: <c>release_task</c>. The last one of a process takes the process with
    /// it, whose children get a parent outside the run.
    /// </summary>
    /// <returns>
    /// The task, good until the next creation; null when none has this id.
    /// </returns>
    public GuestTask? Exit(HostTid tid)
    {
        if (!_tasks.Remove(tid, out GuestTask? task))
        {
            return null;
        }

        task.State = TaskState.Dead;
        task.VforkParent = null;
        task.LetGoOfAll();
        task.Charge.Release();
        EndIfEmpty(task.Group);
        task.Put();
        return task;
    }

    /// <summary>
    /// Ends a process that has no task left. One whose last task died while it created a thread
    /// is kept until that creation has come to its end; the kernel may use its id again before.
    /// </summary>
    internal void EndIfEmpty(ThreadGroup group)
    {
        if (group.Threads == 0 && !group.Ended)
        {
            group.End();
            if (_groups.TryGetValue(group.Tgid, out ThreadGroup? named) && named == group)
            {
                _groups.Remove(group.Tgid);
            }
        }
    }

    private bool Lives(ThreadGroup group)
    {
        foreach (GuestTask task in _tasks.Values)
        {
            if (task.Group == group)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// A task replaced its program: <c>begin_new_exec</c>. Its address space, descriptor table
    /// and handlers are its own from here on, and of its process it alone is left. From a
    /// thread that is no leader it takes the leader's id: <c>de_thread</c>.
    /// </summary>
    /// <param name="tid">The id it has now: its process's.</param>
    /// <param name="former">The id it had when it called execve(2).</param>
    /// <returns>The task, or null when none has the former id.</returns>
    public GuestTask? Exec(HostTid tid, HostTid former)
    {
        if (!_tasks.TryGetValue(former, out GuestTask? task))
        {
            return null;
        }

        if (tid != former)
        {
            Exit(tid);
            _tasks.Remove(former);
            task.Tid = tid;
            Invariant.Check(_tasks.TryAdd(tid, task), "an exec takes its leader's id alone");
        }

        task.VforkParent = null;
        task.Hold(Records.Resource(ResourceKind.Mm));
        if (task[ResourceKind.Files].Members > 1)
        {
            task.Hold(Records.Resource(ResourceKind.Files));
        }

        if (task[ResourceKind.Sighand].Members > 1)
        {
            task.Hold(Records.Resource(ResourceKind.Sighand));
        }

        return task;
    }
}
