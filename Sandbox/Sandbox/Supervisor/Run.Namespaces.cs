using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.Ptrace;
using Policies;
using Sandbox.Kernel;
using Sandbox.Kernel.Rules;
using Sandbox.Kernel.Tasks;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <content>Namespaces that a task gives itself: unshare(2) and setns(2).</content>
internal sealed partial class Run
{
    private readonly Dictionary<HostTid, NamespaceMove> _moves = [];

    /// <inheritdoc/>
    public NamespaceAnswer OnNamespacesAsked(in NamespaceCall call)
    {
        bool enters = call.Number == __NR_setns;
        var request = new NamespaceRequest(
            enters ? EntryPoint.Setns : EntryPoint.Unshare, call.Caller, call.A0, call.A1,
            enters ? NamespaceLinks.EnteredBy(call.Caller, call.A0, call.A1) : 0);
        _table.TryFind(call.Caller, out GuestTask? caller);
        Refusal? refusal = request.Judge(
            _plan.Policy.Creation, _pipeline.Decisions, out ulong runs,
            out CreationDecision decision);
        if (refusal is { } no)
        {
            _reports.OnNamespaces(request, caller, no, decision, request.A0);
            EndOnViolation(no, request.Entry);
            return new(no.Errno, call.A0);
        }

        NamespaceLinks? before = enters ? NamespaceLinks.Of(call.Caller) : null;
        _moves[call.Caller] = new(request, decision, runs, before);
        return new(Errno.None, runs);
    }

    /// <inheritdoc/>
    public void OnNamespacesDone(HostTid caller, Errno errno)
    {
        if (!_moves.Remove(caller, out NamespaceMove? move))
        {
            return;
        }

        _table.TryFind(caller, out GuestTask? task);
        Refusal? refusal = errno == Errno.None ? Trespass(move, task)
            : new Refusal(errno, RefusedBy.Kernel, "kernel");
        _reports.OnNamespaces(move.Request, task, refusal, move.Decision, move.Runs);
    }

    /// <summary>
    /// The descriptor of a setns can become another after it was judged, by a thread that shares
    /// the table. So what was really entered is looked at before the caller goes on; a caller
    /// that stands where it may not be dies there.
    /// </summary>
    private Refusal? Trespass(NamespaceMove move, GuestTask? task)
    {
        HostTid caller = move.Request.Caller;
        ulong entered = move.Before?.DifferenceTo(NamespaceLinks.Of(caller)) ?? 0;
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
        NamespaceRequest Request, CreationDecision Decision, ulong Runs, NamespaceLinks? Before);
}
