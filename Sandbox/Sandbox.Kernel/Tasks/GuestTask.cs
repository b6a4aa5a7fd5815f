using System.Diagnostics.CodeAnalysis;
using Interpose.Abi;
using Sandbox.Kernel.Fork;

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
    private readonly TaskRecords _records;
    private readonly ResourceGroup?[] _groups = new ResourceGroup?[ResourceGroup.Kinds];
    private ThreadGroup? _group;
    private GuestTask? _vforkParent;
    private int _users;

    internal GuestTask(TaskRecords records)
    {
        _records = records;
        (Charge, Record, Memberships) = (new(), new AsRecord(this), new AsMember(this));
    }

    /// <summary>Task id in the supervisor's pid namespace; 0 until published.</summary>
    public HostTid Tid { get; internal set; }

    /// <summary>Its process.</summary>
    public ThreadGroup Group => _group!;

    /// <summary>Where it stands.</summary>
    public TaskState State { get; internal set; }

    /// <summary>The task that sleeps in vfork(2) until this one execs or ends.</summary>
    public GuestTask? VforkParent
    {
        get => _vforkParent;
        internal set
        {
            value?.Get();
            _vforkParent?.Put();
            _vforkParent = value;
        }
    }

    /// <summary>What is given back when it ends.</summary>
    internal TaskCharge Charge { get; }

    /// <summary>The record itself, while there is no task yet.</summary>
    internal IReservation Record { get; }

    /// <summary>The groups that the record has joined, while there is no task yet.</summary>
    internal IReservation Memberships { get; }

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

    /// <summary>The record stands for a new task, and is held for it.</summary>
    internal void Begin(ThreadGroup group)
    {
        (_group, Tid, State) = (group, default, TaskState.Unpublished);
        group.Join();
        Get();
    }

    /// <summary>Keeps the record from being used again: <c>get_task_struct</c>.</summary>
    internal void Get() => _users++;

    /// <summary>
    /// It may be used again as far as one holder is concerned: <c>put_task_struct</c>.
    /// </summary>
    internal void Put()
    {
        Invariant.Check(_users > 0, "a record is given up once by each who holds it");
        if (--_users == 0)
        {
            Group.Leave();
            _records.Return(this);
        }
    }

    internal void Hold(ResourceGroup group)
    {
        group.Join();
        _groups[(int)group.Kind]?.Leave();
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

    private sealed class AsRecord(GuestTask task) : IReservation
    {
        public void Commit()
        {
        }

        public void Cancel() => task.Put();
    }

    private sealed class AsMember(GuestTask task) : IReservation
    {
        public void Commit()
        {
        }

        public void Cancel() => task.LetGoOfAll();
    }
}
