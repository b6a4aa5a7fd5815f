using System;
using System.Linq;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Rules;
using Sandbox.Kernel.Tasks;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>A pipeline with a memory, a clock and a controller that tests can set.</summary>
internal sealed class World : IGuestMemory, IHostFacts, IClock, IForkController, IFaults
{
    private readonly Placement _placement;
    private int _nextTid = 100;

    public World(Policy? policy = null)
    {
        _placement = new(this);
        Pipeline = new CopyProcess(
            policy ?? BuiltinPolicies.Get("permissive"), Table, this, this, this, [this], this);
        PendingClone first = Pipeline.Begin(new(EntryPoint.Launch, new HostTid(1), 0, 0, 0, 0, 0));
        Assert.Equal(Errno.None, Pipeline.Run(first, CloneMoment.Asked));
        Assert.Equal(Errno.None, Pipeline.Run(first, CloneMoment.Made, First));
    }

    public static HostTid First { get; } = new(99);

    public TaskTable Table { get; } = new();

    public CopyProcess Pipeline { get; }

    public HostFacts Host { get; } = new(new KernelVersion(6, 18));

    public CallerFacts Caller { get; set; } = CallerFacts.Ordinary;

    public byte[] Memory { get; set; } = [];

    public Errno MemoryErrno { get; set; }

    public long Now { get; set; }

    public int FailStep { get; set; }

    public Errno PlaceErrno { get; set; }

    public int Placed { get; private set; }

    public int Cancelled { get; private set; }

    public string Name => "test";

    public PendingClone Ask(EntryPoint entry, ulong flags = SIGCHLD, HostTid? caller = null)
    {
        PendingClone clone = Pipeline.Begin(new(entry, caller ?? First, flags, 0, 0, 0, 0));
        Pipeline.Run(clone, CloneMoment.Asked);
        return clone;
    }

    public GuestTask Create(ulong flags, HostTid? caller = null)
    {
        PendingClone clone = Ask(EntryPoint.Clone, flags, caller);
        Assert.Equal(CloneVerdict.Pending, clone.Verdict);
        var tid = new HostTid(_nextTid++);
        Pipeline.Run(clone, CloneMoment.Made, tid);
        Pipeline.End(clone);
        Assert.True(Table.TryFind(tid, out GuestTask? task));
        return task;
    }

    /// <summary>All that an unwound creation must leave as it was.</summary>
    public string Snapshot() => string.Join(
        ' ', Table.Count, Table.Groups, Pipeline.Budget.Tasks, Pipeline.Ledger.Open,
        string.Join(',', from t in Table.Tasks
                         from i in Enumerable.Range(0, ResourceGroup.Kinds)
                         select t[(ResourceKind)i].Members),
        string.Join(',', Table.Processes.Select(p => p.Threads)));

    public Errno Read(HostTid task, ulong address, Span<byte> destination, out int read)
    {
        int available = Math.Max(0, Memory.Length - (int)Math.Min(address, int.MaxValue));
        read = MemoryErrno != Errno.None ? 0 : Math.Min(destination.Length, available);
        Memory.AsSpan(Memory.Length - available, read).CopyTo(destination);
        return MemoryErrno != Errno.None ? MemoryErrno : read == 0 ? Errno.EFAULT : Errno.None;
    }

    public CallerFacts CallerOf(HostTid task) => Caller;

    public Result<IPlacement> CanFork(PopulatedTask task) => _placement;

    public Errno At(int step) => step == FailStep ? Errno.ENOSPC : Errno.None;

    private sealed class Placement(World world) : IPlacement
    {
        public Errno Place(HostTid child)
        {
            world.Placed++;
            return world.PlaceErrno;
        }

        public void Commit()
        {
        }

        public void Cancel() => world.Cancelled++;
    }
}
