using Interpose.Abi;

namespace Sandbox.Kernel.Tasks;

/// <summary>A process: the tasks that share one <c>signal_struct</c>.</summary>
public sealed class ThreadGroup
{
    private readonly TaskRecords _records;
    private ThreadGroup? _parent;
    private int _parentUse;
    private int _users;

    /// <summary>How often this record has stood for a process: tells it from a later one.</summary>
    private int _use;

    internal ThreadGroup(TaskRecords records) => _records = records;

    /// <summary>Process id in the supervisor's pid namespace.</summary>
    public HostTid Tgid { get; internal set; }

    /// <summary>
    /// The real parent, whom getppid(2) names; null when it is outside the run, which it also
    /// becomes when the parent ends.
    /// </summary>
    public ThreadGroup? Parent =>
        _parent is { Ended: false } parent && parent._use == _parentUse ? parent : null;

    /// <summary>Creations between the first process of the run and this one.</summary>
    public int Depth { get; private set; }

    /// <summary>Live tasks, those being created included.</summary>
    public int Threads { get; internal set; }

    /// <summary>Whether its last task has ended.</summary>
    public bool Ended { get; private set; }

    /// <summary>The program it runs, for reports; null until its first exec is seen.</summary>
    public string? Program { get; set; }

    internal void Begin(ThreadGroup? parent, int depth, string? program)
    {
        (Tgid, Depth, Program, Ended) = (default, depth, program, false);
        (_parent, _parentUse) = (parent, parent?._use ?? 0);
    }

    internal void End() => (Ended, _parent) = (true, null);

    /// <summary>A record of a task refers to it.</summary>
    internal void Join() => _users++;

    /// <summary>One refers to it no more; the last gives it back.</summary>
    internal void Leave()
    {
        Invariant.Check(_users > 0, "a process is left only by its tasks");
        if (--_users == 0)
        {
            Invariant.Check(Threads == 0, "a process without records has no task");
            _use++;
            _records.Return(this);
        }
    }
}
