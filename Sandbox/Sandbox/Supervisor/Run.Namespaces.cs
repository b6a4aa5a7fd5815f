using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.Ptrace;
using Policies;
using Sandbox.Kernel;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Rules;
using Sandbox.Kernel.Tasks;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <content>Namespaces that a task gives itself: unshare(2) and setns(2).</content>
internal sealed partial class Run
{
    private readonly Dictionary<HostTid, NamespaceMove> _moves = [];

    /// <summary>
    /// Calls that are about to be made again; what became of a creation is told then.
    /// </summary>
    private readonly Dictionary<HostTid, (CloneCall Call, PendingClone? Refused)> _again = [];

    /// <inheritdoc/>
    public NamespaceAnswer OnNamespacesAsked(in NamespaceCall call)
    {
        bool enters = call.Number == __NR_setns;
        ulong? entered = enters ? NamespaceLinks.EnteredBy(call.Caller, call.A0, call.A1) : 0;
        var request = new NamespaceRequest(
            enters ? EntryPoint.Setns : EntryPoint.Unshare, call.Caller, call.A0, call.A1,
            entered ?? 0);
        _table.TryFind(call.Caller, out GuestTask? caller);
        CountOnce(AsCall(request));
        Refusal? refusal = request.Judge(
            _plan.Policy.Creation, _pipeline.Decisions, out ulong runs,
            out CreationDecision decision);
        refusal ??= entered is null ? Unseen
            : enters || caller is null ? null : _pipeline.Namespaces.Exceeded(runs, caller);
        NamespaceController.Reservation? setUp = null;
        if (refusal is null && !enters && _namespaces is not null
            && !_namespaces.Reserve(call.Caller, runs).TryGet(out setUp, out Refusal lacking))
        {
            refusal = lacking;
        }

        if (refusal is { } no)
        {
            _reports.OnNamespaces(request, caller, no, decision, request.A0);
            EndOnViolation(no, request.Entry);
            return new(no.Errno, call.A0);
        }

        NamespaceLinks? before = enters ? NamespaceLinks.Of(call.Caller) : null;
        Forget(call.Caller);
        _moves.Add(call.Caller, new(request, decision, runs, before, setUp));
        return new(Errno.None, runs);
    }

    /// <inheritdoc/>
    public bool OnNamespacesDone(HostTid caller, Errno errno)
    {
        if (!_moves.Remove(caller, out NamespaceMove? move))
        {
            return false;
        }

        _table.TryFind(caller, out GuestTask? task);
        ulong types = move.Before is null ? move.Runs & CloneFlags.Namespaces : 0;
        if (errno != Errno.None)
        {
            move.SetUp?.Cancel();
        }

        Refusal? refusal = errno == Errno.None ? SetUp(move) ?? Moved(move, task, types)
            : _pipeline.Namespaces.Explain(errno, types, task);
        if (refusal is { By: RefusedBy.Limit } && MayComeFree(types))
        {
            MakeAgain(caller, AsCall(move.Request), null);
            return true;
        }

        _reports.OnNamespaces(move.Request, task, refusal, move.Decision, move.Runs);
        return false;
    }

    /// <summary>
    /// A task has ended, or runs another program: a call that it was in is no more.
    /// </summary>
    private void Forget(HostTid task)
    {
        if (_moves.Remove(task, out NamespaceMove? move))
        {
            move.SetUp?.Cancel();
        }
    }

    /// <summary>
    /// What a call made is set up before its caller goes on. The caller stands in it already, so
    /// where that fails it dies there.
    /// </summary>
    private Refusal? SetUp(NamespaceMove move)
    {
        HostTid caller = move.Request.Caller;
        Errno errno = move.SetUp?.Place(caller) ?? Errno.None;
        if (errno == Errno.None)
        {
            return null;
        }

        _plan.Log.Error(
            "task {Task} was killed: the namespaces that it made could not be set up: {Errno}",
            caller.Value, errno.Describe());
        HostProcess.Kill(caller.Value, SIGKILL);
        return new(errno, RefusedBy.Setup, "namespaces");
    }

    /// <summary>
    /// Whether a call that the kernel refused for a budget is worth another try in a moment.
    /// </summary>
    private bool MayComeFree(ulong types) =>
        !_ending && _pipeline.Namespaces.MayComeFree(types);

    /// <summary>
    /// A task is at a call. One that is made again was counted, and keeps its number; a handler
    /// that runs before it may make others.
    /// </summary>
    /// <returns>That number, or 0.</returns>
    private long CountOnce(in CloneCall call)
    {
        bool again = _again.TryGetValue(
            call.Caller, out (CloneCall Call, PendingClone? Refused) former) && former.Call == call;
        _pipeline.Decisions.Counting = !again;
        long number = 0;
        if (again)
        {
            _again.Remove(call.Caller);
            if (former.Refused is { } refused)
            {
                number = refused.Id;
                _pipeline.End(refused);
            }
        }

        return number;
    }

    /// <summary>
    /// A call is to be made again. Where it is that of a handler which ran before another such
    /// call, that one is told of as over: it is judged afresh after the handler.
    /// </summary>
    private void MakeAgain(HostTid caller, in CloneCall call, PendingClone? refused)
    {
        DropAgain(caller);
        _again.Add(caller, (call, refused));
    }

    /// <summary>
    /// A task is gone, or in a later call. The call that it was about to make again is no more.
    /// </summary>
    private void DropAgain(HostTid tid)
    {
        if (_again.Remove(tid, out (CloneCall Call, PendingClone? Refused) former)
            && former.Refused is { } clone)
        {
            CopyProcess.CallerGone(clone);
            _reports.OnClone(clone);
            _pipeline.End(clone);
        }
    }

    private static CloneCall AsCall(in NamespaceRequest request) =>
        new(request.Entry, request.Caller, request.A0, request.A1, 0, 0, 0);

    /// <summary>
    /// "Permission to dereference or read (readlink(2)) these symbolic links is governed by a
    /// ptrace access mode [...] check" - proc_pid_ns(5): of a task that is not dumpable a
    /// supervisor without privileges sees neither descriptors nor namespaces.
    /// </summary>
    private static Refusal Unseen { get; } = new(
        Errno.EPERM, RefusedBy.Engine, "setns of a process that is not dumpable cannot be judged");

    /// <summary>A call ran well: the model follows.</summary>
    private Refusal? Moved(NamespaceMove move, GuestTask? task, ulong types)
    {
        if (move.Before is not { } before)
        {
            if (task is not null)
            {
                _pipeline.Namespaces.Unshared(task, types);
                NameNamespaces(task);
            }

            return null;
        }

        var now = NamespaceLinks.Of(move.Request.Caller);
        ulong entered = before.DifferenceTo(now);
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            if (task is not null && (entered & type.Flag()) != 0)
            {
                _pipeline.Namespaces.Entered(task, type, Known(type, now.Of(type)));
            }
        }

        return Trespass(move, task, entered);
    }

    /// <summary>
    /// The namespace of a name, if one of the tasks that should stand in it does so now: the
    /// kernel gives the number of a namespace that has ended to the next.
    /// </summary>
    private ResourceGroup? Known(NamespaceType type, string? name)
    {
        const int enough = 16;
        int asked = 0;
        ResourceGroup? group = name is null ? null : _pipeline.Namespaces.Find(name);
        foreach (GuestTask task in group is null ? [] : _table.Tasks)
        {
            if (task[NamespaceTally.KindOf(type)] == group && asked++ < enough
                && NamespaceLinks.Read(task.Tid, type) == name)
            {
                return group;
            }
        }

        return null;
    }

    private void NameNamespaces(GuestTask task)
    {
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            if (_pipeline.Namespaces.LacksName(task, type)
                && NamespaceLinks.Read(task.Tid, type) is { } name)
            {
                _pipeline.Namespaces.Name(task, type, name);
            }
        }
    }

    /// <summary>
    /// The descriptor of a setns can become another after it was judged, by a thread that shares
    /// the table. So what was really entered is looked at before the caller goes on; a caller
    /// that stands where it may not be dies there.
    /// </summary>
    private Refusal? Trespass(NamespaceMove move, GuestTask? task, ulong entered)
    {
        HostTid caller = move.Request.Caller;
        CreationDecision decision = _plan.Policy.Creation.DecideSetns(
            entered & ~move.Request.Enters);
        if (decision.Allowed)
        {
            return null;
        }

        HostProcess.Kill(task?.Group.Tgid.Value ?? caller.Value, SIGKILL);
        var refusal = Refusal.Of(decision);
        _plan.Log.Warn(
            "task {Task} was killed: its setns entered what the policy denies, by a descriptor "
                + "that was changed meanwhile", caller.Value);
        EndOnViolation(refusal, EntryPoint.Setns);
        return refusal;
    }

    /// <summary>A call that runs, with what its caller had before.</summary>
    private sealed record NamespaceMove(
        NamespaceRequest Request, CreationDecision Decision, ulong Runs, NamespaceLinks? Before,
        NamespaceController.Reservation? SetUp);
}
