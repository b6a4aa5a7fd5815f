using System.Collections.Generic;

namespace Sandbox.Kernel.Tasks;

/// <summary>
/// Records that ended tasks left for later ones, as the kernel keeps them in its slab caches
/// (<c>task_struct_cachep</c> and its like): a run that creates and ends tasks at a steady pace
/// allocates nothing.
/// </summary>
/// <remarks>
/// A record comes back when nothing refers to it any more, which each of the three kinds counts
/// for itself. Until the next creation it still says what it said.
/// </remarks>
public sealed class TaskRecords
{
    /// <summary>More are left to the garbage collector.</summary>
    private const int Most = 256;

    private readonly Stack<GuestTask> _tasks = new();
    private readonly Stack<ThreadGroup> _processes = new();
    private readonly Stack<ResourceGroup> _resources = new();

    /// <summary>Records that lie ready, for tests.</summary>
    internal int Ready => _tasks.Count + _processes.Count + _resources.Count;

    /// <summary>A record of a task that is in no table yet.</summary>
    internal GuestTask Task(ThreadGroup process)
    {
        GuestTask task = _tasks.TryPop(out GuestTask? left) ? left : new GuestTask(this);
        task.Begin(process);
        return task;
    }

    /// <summary>A process without tasks.</summary>
    internal ThreadGroup Process(ThreadGroup? parent, int depth, string? program)
    {
        ThreadGroup process = _processes.TryPop(out ThreadGroup? left) ? left
            : new ThreadGroup(this);
        process.Begin(parent, depth, program);
        return process;
    }

    /// <summary>A kernel object without members.</summary>
    internal ResourceGroup Resource(ResourceKind kind, int depth = 0, NamespaceTally? tally = null)
    {
        ResourceGroup resource = _resources.TryPop(out ResourceGroup? left) ? left
            : new ResourceGroup(this);
        resource.Begin(kind, depth, tally);
        return resource;
    }

    internal void Return(GuestTask task) => Keep(_tasks, task);

    internal void Return(ThreadGroup process) => Keep(_processes, process);

    internal void Return(ResourceGroup resource) => Keep(_resources, resource);

    private static void Keep<T>(Stack<T> ready, T record)
    {
        if (ready.Count < Most)
        {
            ready.Push(record);
        }
    }
}
