using Interpose.Abi;

namespace Sandbox.Kernel.Tasks;

/// <summary>A process: the tasks that share one <c>signal_struct</c>.</summary>
public sealed class ThreadGroup
{
    private ThreadGroup? _parent;

    internal ThreadGroup(ThreadGroup? parent, int depth) => (_parent, Depth) = (parent, depth);

    /// <summary>Process id in the supervisor's pid namespace.</summary>
    public HostTid Tgid { get; internal set; }

    /// <summary>
    /// The real parent, whom getppid(2) names; null when it is outside the run, which it also
    /// becomes when the parent ends.
    /// </summary>
    public ThreadGroup? Parent => _parent is { Ended: false } parent ? parent : null;

    /// <summary>Creations between the first process of the run and this one.</summary>
    public int Depth { get; }

    /// <summary>Live tasks, those being created included.</summary>
    public int Threads { get; internal set; }

    /// <summary>Whether its last task has ended.</summary>
    public bool Ended { get; private set; }

    /// <summary>The program it runs, for reports; null until its first exec is seen.</summary>
    public string? Program { get; set; }

    internal void End() => (Ended, _parent) = (true, null);
}
