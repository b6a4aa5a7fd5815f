using System.Text.Json;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Rules;
using Sandbox.Kernel.Tasks;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <content>What is told of namespaces that guests make and enter.</content>
internal sealed partial class RunReports
{
    /// <summary>A call for namespaces of the caller's own has come to its end.</summary>
    /// <param name="request">The call.</param>
    /// <param name="caller">Who called.</param>
    /// <param name="refusal">Why not; null when it ran well.</param>
    /// <param name="decision">The rule that let it through.</param>
    /// <param name="runs">The first argument that the kernel was given.</param>
    public void OnNamespaces(
        in NamespaceRequest request, GuestTask? caller, Refusal? refusal,
        in CreationDecision decision, ulong runs)
    {
        bool unwound = refusal is { By: RefusedBy.Kernel };
        long[] counts = refusal is null ? Statistics.Created
            : unwound ? Statistics.Unwound : Statistics.Denied;
        counts[(int)request.Entry]++;
        ulong setUp = refusal is null && request.Entry == EntryPoint.Unshare ? runs : 0;
        CountSetUp(setUp);
        string name = request.Entry.Name();
        string flags = string.Join('|', CloneFlags.Of(request.Asked));
        if (refusal is { } no)
        {
            _log.Detail(
                "{Entry}({Flags}) by {Caller}: {Errno}, {By}: {Rule}", name, flags,
                request.Caller.Value, no.Errno.Describe(), Source(no.By), no.Rule);
            if (!unwound)
            {
                Note(request.Entry, caller, no, request.Asked);
            }
        }
        else
        {
            _log.Detail("{Entry}({Flags}) by {Caller}", name, flags, request.Caller.Value);
        }

        if (_events is not null)
        {
            Utf8JsonWriter json = _events.Begin(clock.Now - _start, "namespace");
            json.WriteString("entry"u8, name);
            WriteCaller(json, request.Caller, caller);
            WriteFlags(json, "flags", request.Asked);
            if (refusal is null || unwound)
            {
                bool unshares = request.Entry == EntryPoint.Unshare;
                WriteFlags(json, "flags_run", unshares ? runs : request.Asked);
            }

            json.WriteString("verdict"u8, refusal is null ? "allow" : unwound ? "unwound" : "deny");
            WriteSetUp(json, setUp);
            WriteRule(json, refusal, decision);
            _events.End();
        }
    }

    /// <summary>The namespaces of a child as far as they were set up.</summary>
    private static ulong SetUpOf(PendingClone clone) =>
        clone.Broken == Errno.None && clone.Caller is not null ? RunFlags(clone) : 0;

    private void CountSetUp(ulong types)
    {
        ulong done = types & _setUp.Types;
        Statistics.MapsWritten += (done & CLONE_NEWUSER) != 0 ? 1 : 0;
        Statistics.LoopbacksRaised += (done & CLONE_NEWNET) != 0 ? 1 : 0;
    }

    /// <summary>What was done to the namespaces that a call made, by key.</summary>
    private void WriteSetUp(Utf8JsonWriter json, ulong types)
    {
        if ((types & _setUp.Types) != 0)
        {
            json.WriteStartObject("set_up"u8);
            foreach ((string key, string value, _) in _setUp.Of(types))
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }
    }
}
