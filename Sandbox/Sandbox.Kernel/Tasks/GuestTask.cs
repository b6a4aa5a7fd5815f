using System.Diagnostics.CodeAnalysis;
using Interpose.Abi;

namespace Sandbox.Kernel.Tasks;

/// <summary>Where a task stands between request and end.</summary>
public enum TaskState
{
    /// <summary>A record in no table; stages 2 to 4.</summary>
    Unpublished,

    /// <summary>The kernel made it; it is held before its first instruction; stage 5.</summary>
    Published,

    /// <summary>It runs; stage 6.</summary>
    Running,

    /// <summary>It has ended.</summary>
    Dead,
}

/// <summary>
/// One task of the run, thread or process: the part of <c>task_struct</c> that policy needs.
/// </summary>
public sealed class GuestTask
{
    private readonly ResourceGroup?[] _groups = new ResourceGroup?[ResourceGroup.Kinds];

    internal GuestTask(ThreadGroup group) => Group = group;

    /// <summary>Task id in the supervisor's pid namespace; 0 until published.</summary>
    public HostTid Tid { get; internal set; }

    /// <summary>Its process.</summary>
    public ThreadGroup Group { get; }

    /// <summary>Where it stands.</summary>
    public TaskState State { get; internal set; } = TaskState.Unpublished;

    /// <summary>The task that sleeps in vfork(2) until this one execs or ends.</summary>
    public GuestTask? VforkParent { get; internal set; }

    /// <summary>What is given back when it ends.</summary>
    internal TaskCharge? Charge { get; set; }

    /// <summary>The kernel object of a kind that it holds.</summary>
    [SuppressMessage("Design", "CA1043", Justification = "The kind is the key.")]
    public ResourceGroup this[ResourceKind kind]
    {
        get
        {
            ResourceGroup? group = _groups[(int)kind];
            Invariant.Check(group is not null, "a task is asked for a resource that it holds");
            return group;
        }
    }

    /// <summary>Whether two tasks hold one kernel object of a kind, as kcmp(2) would say.</summary>
    public bool Shares(ResourceKind kind, GuestTask other) => this[kind] == other[kind];

    internal void Hold(ResourceGroup group)
    {
        _groups[(int)group.Kind]?.Leave();
        group.Join();
        _groups[(int)group.Kind] = group;
    }

    /// <summary>The kernel has made it, and with it whatever it does not share.</summary>
    internal void Exists()
    {
        foreach (ResourceGroup? group in _groups)
        {
            group?.Exists();
        }
    }

    internal void LetGo(ResourceKind kind)
    {
        _groups[(int)kind]?.Leave();
        _groups[(int)kind] = null;
    }

    internal void LetGoOfAll()
    {
        for (int kind = ResourceGroup.Kinds - 1; kind >= 0; kind--)
        {
            LetGo((ResourceKind)kind);
        }
    }
}
