using System;
using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.Ptrace;
using Policies;
using Sandbox.Doctor;
using Sandbox.Isolation;
using Sandbox.Kernel;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Rules;
using Sandbox.Kernel.Seccomp;
using Sandbox.Kernel.Tasks;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <summary>
/// One run: joins the engine, which sees and stops guests, with the pipeline, which decides.
/// </summary>
internal sealed partial class Run : IGuestEvents
{
    private readonly RunPlan _plan;
    private readonly MonotonicClock _clock = new();
    private readonly TaskTable _table = new();
    private readonly Dictionary<HostTid, PendingClone> _pending = [];
    private readonly CopyProcess _pipeline;
    private readonly PtraceEngine _engine;
    private readonly RunReports _reports;
    private readonly JobControl _job = new();
    private readonly NameCache _programs = new();
    private readonly RunGroup? _group;
    private readonly RunOutput? _output;
    private readonly NamespaceController? _namespaces;
    private sock_filter[]? _ownFilter;

    private Run(
        RunPlan plan, RunGroup? group, RunOutput? output, NamespaceController? namespaces)
    {
        (_plan, _group, _output, _namespaces) = (plan, group, output, namespaces);
        List<IForkController> controllers = [];
        if (group is not null)
        {
            controllers.Add(group);
        }

        if (namespaces is not null)
        {
            controllers.Add(namespaces);
        }

        if (!plan.Policy.Resources.IsEmpty)
        {
            controllers.Add(new ResourceController(plan.Policy.Resources));
        }

        _pipeline = new CopyProcess(
            plan.Policy, _table, new TracedMemory(), new HostFactsReader(plan.Policy.Creation),
            _clock, controllers, plan.Faults);
        _engine = new PtraceEngine(this, StartState.WaitedSignals, CreationFilter.Mark);
        _engine.LoseStop(plan.LoseStop);
        _reports = new RunReports(plan, _clock);
    }

    /// <summary>Runs a command to its end.</summary>
    public static RunOutcome Execute(RunPlan plan)
    {
        using RunGroup? group = RunGroup.For(plan.Policy, plan.Log, out var missing);
        using RunOutput? output = RunOutput.For(plan, missing);
        NamespaceSetUp setUp = plan.Policy.Creation.SetUp;
        using NamespaceController? namespaces = setUp.Types != 0 ? new(setUp) : null;
        var run = new Run(plan, group, output, namespaces);
        run._reports.OnLimits(missing);
        long start = run._clock.Now;
        LaunchSpec spec = group?.Launch(plan.Launch) ?? plan.Launch;
        using var attempts = new LaunchAttempts(output?.Launch(spec) ?? spec, plan.Policy);
        run.Launch(attempts);
        GuestLaunch launch = attempts.Launch;
        new Watchdog(run._engine, plan.Log, why => run._stall = why).Start();
        run.Supervise();
        run.EndOutput();
        RunOutcome outcome = run.Conclude(launch, start);
        run._reports.OnResult(outcome);
        return outcome;
    }

    /// <summary>The first task, through the same six stages as every later one.</summary>
    private void Launch(LaunchAttempts attempts)
    {
        PendingClone clone = _pipeline.Begin(
            new CloneCall(EntryPoint.Launch, new HostTid(Environment.ProcessId), 0, 0, 0, 0, 0));
        Errno errno = _pipeline.Run(clone, CloneMoment.Asked);
        if (errno != Errno.None)
        {
            throw new SetupException("cannot prepare", clone.Refusal.Rule, errno, string.Empty);
        }

        if (attempts.Create(out HostTid child, () => _ownFilter ??= SupervisorFilter.Compile())
            is { } failed)
        {
            _pipeline.Run(clone, CloneMoment.Refused, errno: failed.Errno);
            throw new SetupException(
                failed.Step, failed.Object, failed.Errno, LaunchRemedy.Of(failed, _plan.Policy));
        }

        GuestLaunch launch = attempts.Launch;
        _reports.OnProtections(attempts);
        errno = _engine.Attach(child);
        if (errno != Errno.None)
        {
            launch.Abandon(child);
            _pipeline.Run(clone, CloneMoment.Refused, errno: errno);
            throw new SetupException(
                "ptrace(PTRACE_SEIZE) of", "the command", errno, TraceDenial.Find().ToString());
        }

        errno = _pipeline.Run(clone, CloneMoment.Made, child);
        if (errno != Errno.None)
        {
            launch.Abandon(child);
            throw new SetupException("cannot set", "resources of the command", errno, string.Empty);
        }

        if (launch.Init is { } init)
        {
            _engine.Ignore(init);
        }

        _job.Command = child;
        if (_table.TryFind(child, out GuestTask? task))
        {
            NameNamespaces(task);
        }

        _reports.OnClone(clone);
        _pipeline.End(clone);
        errno = HostProcess.SetUndumpable();
        if (errno != Errno.None)
        {
            launch.Abandon(child);
            throw new SetupException("prctl(PR_SET_DUMPABLE) of", "the supervisor", errno, "");
        }

        if (_namespaces is not null)
        {
            _engine.Ignore(_namespaces.Start());
        }

        Confine(launch, child);

        BeginTimes();
        _output?.Begin();
        Begin(launch);
    }

    /// <summary>The command begins, unless it was ended before that.</summary>
    private void Begin(GuestLaunch launch)
    {
        _toldToEnd = _job.ForwardEarly();
        if (_toldToEnd)
        {
            EndAll();
        }
        else
        {
            launch.LetGo();
        }
    }

    /// <summary>
    /// From here on the supervisor can do no more than it has to, whatever guests do to it.
    /// </summary>
    private void Confine(GuestLaunch launch, HostTid child)
    {
        Errno errno = Confinement.GiveUpCapabilities();
        string what = "capset of";
        if (errno == Errno.None)
        {
            errno = Confinement.Install(_ownFilter!);
            what = "seccomp(SECCOMP_SET_MODE_FILTER) of";
        }

        if (errno != Errno.None)
        {
            launch.Abandon(child);
            throw new SetupException(what, "the supervisor", errno, string.Empty);
        }
    }

    /// <inheritdoc/>
    public CreationAnswer OnCreationAsked(in CreationCall call)
    {
        var asked = new CloneCall(
            EntryOf(call.Number), call.Caller, call.A0, call.A1, call.A2, call.A3, call.A4);
        PendingClone clone = _pipeline.Begin(asked, CountOnce(asked));
        Errno errno = _pipeline.Run(clone, CloneMoment.Asked);
        if (errno != Errno.None)
        {
            _reports.OnClone(clone);
            EndOnViolation(clone.Refusal, clone.Call.Entry);
            _pipeline.End(clone);
            return new(errno, call);
        }

        _pending.Add(call.Caller, clone);
        HostCall runs = clone.Runs;
        return new(Errno.None, new(
            call.Caller, NumberOf(runs.Entry), runs.A0, runs.A1, runs.A2, runs.A3, runs.A4));
    }

    /// <inheritdoc/>
    public void OnCallerLost(HostTid caller, HostTid standIn)
    {
        if (_pending.Remove(caller, out PendingClone? clone))
        {
            _pending.Add(standIn, clone);
        }
    }

    /// <inheritdoc/>
    public bool OnCreationRefused(HostTid caller, Errno errno)
    {
        if (!_pending.Remove(caller, out PendingClone? clone))
        {
            return false;
        }

        ulong types = clone.NewNamespaces;
        _pipeline.Run(clone, CloneMoment.Refused, errno: errno);
        bool again = clone.Refusal.By == RefusedBy.Limit && MayComeFree(types);
        if (again)
        {
            MakeAgain(caller, clone.Call, clone);
        }
        else
        {
            _reports.OnClone(clone);
            _pipeline.End(clone);
        }

        return again;
    }

    /// <inheritdoc/>
    public bool OnCreationMade(HostTid caller, HostTid child)
    {
        bool known = _pending.Remove(caller, out PendingClone? clone);
        Invariant.Check(known, "the kernel makes a child only of an approved call");
        Errno broken = _pipeline.Run(clone!, CloneMoment.Made, child);
        _reports.OnClone(clone!);
        if (_table.TryFind(child, out GuestTask? task))
        {
            NameNamespaces(task);
        }

        if (_plan.Verify && ModelCheck.Compare(clone!, _table) is { } difference)
        {
            Fail($"the model is wrong: {difference}");
        }

        if (broken != Errno.None)
        {
            _plan.Log.Error(
                "task {Child} could not be placed and was killed: {Errno}",
                child.Value, broken.Describe());
        }

        _pipeline.End(clone!);
        return broken == Errno.None && !_ending;
    }

    /// <inheritdoc/>
    public void OnExec(HostTid tid, HostTid former)
    {
        DropAgain(tid);
        DropAgain(former);
        if (_table.Exec(tid, former) is { } task)
        {
            Forget(tid);
            task.Group.Program = HostProcess.ProgramOf(tid, _programs) ?? task.Group.Program;
            _reports.OnExec(task);
        }

        if (tid == _job.Command)
        {
            BeginGroup();
        }
    }

    private static EntryPoint EntryOf(int number) => number switch
    {
        __NR_fork => EntryPoint.Fork,
        __NR_vfork => EntryPoint.Vfork,
        __NR_clone => EntryPoint.Clone,
        _ => EntryPoint.Clone3,
    };

    private static int NumberOf(EntryPoint entry) => entry switch
    {
        EntryPoint.Fork => __NR_fork,
        EntryPoint.Vfork => __NR_vfork,
        _ => __NR_clone,
    };
}
