using System;
using System.Collections.Generic;
using System.Linq;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Tasks;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>
/// Tasks come, fail, exec and go at random, and records with them: what each says is held against
/// a model that uses nothing twice.
/// </summary>
public sealed class RecordReuseTests
{
    private const ulong Thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
        | CLONE_SYSVSEM;

    private static readonly ulong[] Calls =
    [
        SIGCHLD, CLONE_PARENT, Thread, Thread, CLONE_VM | CLONE_VFORK | SIGCHLD, CLONE_FILES,
        CLONE_FS | CLONE_IO, CLONE_NEWUTS | SIGCHLD, CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD,
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Records_say_of_each_task_what_is_true_of_it_and_all_come_back(int seed)
    {
        var history = new History(new World(), new Random(seed));
        for (int i = 0; i < 2500; i++)
        {
            history.Step();
        }

        history.EndAll();
    }

    /// <summary>A process as it should be.</summary>
    private sealed class Process(string program, Process? parent, int depth)
    {
        public string Program => program;

        public Process? Parent => parent is { Ended: false } ? parent : null;

        public int Depth => depth;

        public HostTid Tgid { get; set; }

        public bool Ended { get; set; }
    }

    /// <summary>A task as it should be: each kernel object is a number.</summary>
    private sealed class Model(Process process, int[] objects)
    {
        public Process Process => process;

        public int[] Objects => objects;

        public HostTid? VforkParent { get; set; }
    }

    private sealed class History
    {
        private readonly World _world;
        private readonly Random _random;
        private readonly Dictionary<HostTid, Model> _alive = [];
        private readonly List<(PendingClone Clone, Model Child, HostTid Caller, bool Vfork)>
            _pending = [];
        private readonly HashSet<object> _records = new(ReferenceEqualityComparer.Instance);
        private int _numbers;
        private int _nextTid = 1000;

        public History(World world, Random random)
        {
            (_world, _random) = (world, random);
            var first = new Process(Unique(), null, 0) { Tgid = World.First };
            _alive.Add(World.First, new(first, [.. Kinds().Select(_ => Next())]));
            Task(World.First).Group.Program = first.Program;
        }

        public void Step()
        {
            switch (_random.Next(12))
            {
                case < 5 when _alive.Count is > 0 and < 10 && _pending.Count < 4:
                    Ask(Pick());
                    break;
                case < 8 when _pending.Count > 0:
                    Finish(_random.Next(3) == 0 ? CloneMoment.Refused : CloneMoment.Made);
                    break;
                case 8 when _alive.Count > 2:
                    Exit(Pick());
                    break;
                case 9 when _alive.Count > 0:
                    Exec(Pick());
                    break;
                case 10 when _alive.Count > 0:
                    Unshare(Pick());
                    break;
                case 11 when _alive.Count > 0:
                    Enter(Pick(), Pick());
                    break;
            }

            Check();
        }

        public void EndAll()
        {
            while (_alive.Count + _pending.Count > 0)
            {
                if (_pending.Count > 0)
                {
                    Finish(_random.Next(2) == 0 ? CloneMoment.Refused : CloneMoment.Made);
                }
                else
                {
                    Exit(Pick());
                }

                Check();
            }

            Assert.Equal(0, _world.Table.Groups);
            Assert.Equal(0, _world.Pipeline.Ledger.Open);
            Assert.InRange(_world.Table.Records.Ready, _records.Count, int.MaxValue);
        }

        private void Ask(HostTid caller)
        {
            Model maker = _alive[caller];
            ulong flags = Calls[_random.Next(Calls.Length)];
            _world.FailStep = _random.Next(5) == 0 ? _random.Next(1, 12) : 0;
            PendingClone clone = _world.Ask(EntryPoint.Clone, flags, caller);
            if (clone.Verdict == CloneVerdict.Denied)
            {
                Assert.Equal(RefusedBy.Setup, clone.Refusal.By);
                Assert.Equal(maker.Process.Program, clone.Caller!.Group.Program);
                _world.Pipeline.End(clone);
                return;
            }

            Assert.Equal(CloneVerdict.Pending, clone.Verdict);
            Process process = (flags & CLONE_THREAD) != 0 ? maker.Process : new(
                Unique(), (flags & CLONE_PARENT) != 0 ? maker.Process.Parent : maker.Process,
                maker.Process.Depth + 1);
            int[] objects = [.. Kinds().Select(
                k => Shares(flags, k) ? maker.Objects[(int)k] : Next())];
            _pending.Add((clone, new(process, objects), caller, (flags & CLONE_VFORK) != 0));
        }

        private void Finish(CloneMoment moment)
        {
            int at = _random.Next(_pending.Count);
            (PendingClone clone, Model child, HostTid caller, bool vfork) = _pending[at];
            _pending.RemoveAt(at);
            var tid = new HostTid(_nextTid++);
            Errno errno = _world.Pipeline.Run(clone, moment, tid, Errno.EINTR);
            Assert.Equal(moment == CloneMoment.Made ? Errno.None : Errno.EINTR, errno);
            _world.Pipeline.End(clone);
            if (moment == CloneMoment.Made)
            {
                child.VforkParent = vfork ? caller : null;
                if (child.Process.Tgid == default)
                {
                    child.Process.Tgid = tid;
                    Task(tid).Group.Program = child.Process.Program;
                }

                _alive.Add(tid, child);
            }

            NoteEnd(child.Process);
        }

        private void Exit(HostTid tid)
        {
            Assert.True(_alive.Remove(tid, out Model? gone));
            GuestTask? task = _world.Table.Exit(tid);
            Assert.NotNull(task);
            Assert.Equal(gone.Process.Program, task.Group.Program);
            NoteEnd(gone.Process);
        }

        /// <summary>From a thread as well: the others end first, the leader unreported.</summary>
        private void Exec(HostTid tid)
        {
            Model task = _alive[tid];
            HostTid leader = task.Process.Tgid;
            if (_pending.Exists(p => p.Caller == tid))
            {
                return;
            }

            foreach (HostTid other in _alive.Keys.Where(
                t => t != tid && t != leader && _alive[t].Process == task.Process).ToList())
            {
                Exit(other);
            }

            GuestTask? run = _world.Table.Exec(leader, tid);
            Assert.NotNull(run);
            _alive.Remove(tid);
            _alive[leader] = task;
            foreach (Model child in _alive.Values.Where(m => m.VforkParent == tid))
            {
                // The same task under another name.
                child.VforkParent = leader;
            }

            task.VforkParent = null;
            task.Objects[(int)ResourceKind.Mm] = Next();
            task.Objects[(int)ResourceKind.Files] = Next();
            task.Objects[(int)ResourceKind.Sighand] = Next();
        }

        private void Unshare(HostTid tid)
        {
            _world.Pipeline.Namespaces.Unshared(Task(tid), CLONE_NEWUTS | CLONE_NEWNET);
            _alive[tid].Objects[(int)ResourceKind.UtsNamespace] = Next();
            _alive[tid].Objects[(int)ResourceKind.NetNamespace] = Next();
        }

        private void Enter(HostTid tid, HostTid other)
        {
            const ResourceKind kind = ResourceKind.UtsNamespace;
            bool known = _random.Next(2) == 0;
            int entered = known ? _alive[other].Objects[(int)kind] : Next();
            _world.Pipeline.Namespaces.Entered(
                Task(tid), NamespaceType.Uts, known ? Task(other)[kind] : null);
            _alive[tid].Objects[(int)kind] = entered;
        }

        private void NoteEnd(Process process) => process.Ended =
            _alive.Values.All(m => m.Process != process)
            && _pending.TrueForAll(p => p.Child.Process != process);

        private void Check()
        {
            Assert.Equal(_alive.Count, _world.Table.Count);
            Assert.Equal(_alive.Count + _pending.Count, _world.Pipeline.Budget.Tasks);
            var groups = new Dictionary<int, ResourceGroup>();
            foreach ((HostTid tid, Model model) in _alive)
            {
                GuestTask task = Task(tid);
                _records.UnionWith([task, task.Group]);
                Assert.Equal(tid, task.Tid);
                Assert.Equal(TaskState.Running, task.State);
                Assert.Equal(model.Process.Program, task.Group.Program);
                Assert.Equal(model.Process.Tgid, task.Group.Tgid);
                Assert.Equal(model.Process.Depth, task.Group.Depth);
                Assert.Equal(model.Process.Parent?.Program, task.Group.Parent?.Program);
                Assert.Equal(Threads(model.Process), task.Group.Threads);
                Assert.Equal(model.VforkParent is not null, task.VforkParent is not null);
                foreach (ResourceKind kind in Kinds())
                {
                    ResourceGroup group = task[kind];
                    int number = model.Objects[(int)kind];
                    _records.Add(group);
                    Assert.Equal(kind, group.Kind);
                    Assert.True(!groups.TryGetValue(number, out ResourceGroup? one)
                        || one == group);
                    groups[number] = group;
                    Assert.Equal(Members(kind, number), group.Members);
                }
            }

            Assert.Equal(groups.Count, groups.Values.Distinct().Count());
            foreach ((PendingClone clone, Model child, HostTid caller, _) in _pending)
            {
                Assert.Equal(caller, clone.Call.Caller);
                bool lives = _alive.ContainsKey(caller)
                    && clone.Caller!.State != TaskState.Dead;
                Assert.True(!lives || clone.Caller!.Tid == caller);
                Assert.Equal(child.Process.Depth, clone.Parked!.Task.Group.Depth);
            }
        }

        private int Threads(Process process) =>
            _alive.Values.Count(m => m.Process == process)
            + _pending.Count(p => p.Child.Process == process);

        private int Members(ResourceKind kind, int number) =>
            _alive.Values.Count(m => m.Objects[(int)kind] == number)
            + _pending.Count(p => p.Child.Objects[(int)kind] == number);

        private GuestTask Task(HostTid tid)
        {
            Assert.True(_world.Table.TryFind(tid, out GuestTask? task));
            return task;
        }

        private HostTid Pick() => _alive.Keys.ElementAt(_random.Next(_alive.Count));

        private int Next() => ++_numbers;

        private string Unique() => $"/bin/{Next()}";

        private static IEnumerable<ResourceKind> Kinds() =>
            Enumerable.Range(0, ResourceGroup.Kinds).Select(k => (ResourceKind)k);

        private static bool Shares(ulong flags, ResourceKind kind) => kind switch
        {
            ResourceKind.Mm => (flags & CLONE_VM) != 0,
            ResourceKind.Files => (flags & CLONE_FILES) != 0,
            ResourceKind.Fs => (flags & CLONE_FS) != 0,
            ResourceKind.Sighand => (flags & CLONE_SIGHAND) != 0,
            ResourceKind.Signal => (flags & CLONE_THREAD) != 0,
            ResourceKind.Io => (flags & CLONE_IO) != 0,
            ResourceKind.SemUndo => (flags & CLONE_SYSVSEM) != 0,
            ResourceKind.UtsNamespace => (flags & CLONE_NEWUTS) == 0,
            ResourceKind.UserNamespace => (flags & CLONE_NEWUSER) == 0,
            ResourceKind.PidNamespace => (flags & CLONE_NEWPID) == 0,
            _ => true,
        };
    }
}
