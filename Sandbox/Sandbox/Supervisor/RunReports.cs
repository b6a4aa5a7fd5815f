using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using Interpose.Abi;
using Interpose.Ptrace;
using Policies;
using Sandbox.Isolation;
using Sandbox.Kernel;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Rules;
using Sandbox.Kernel.Tasks;
using Sandbox.Reports;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <summary>Counts what happens in a run and tells the event stream and the _log.</summary>
internal sealed partial class RunReports(RunPlan plan, IClock clock)
{
    private readonly EventStream? _events = plan.Events;
    private readonly Log _log = plan.Log;
    private readonly long _start = clock.Now;
    private readonly NamespaceSetUp _setUp = plan.Policy.Creation.SetUp;

    /// <summary>The counts.</summary>
    public RunStatistics Statistics { get; } = new();

    /// <summary>What was denied.</summary>
    public DenialLedger Denials { get; } = new(plan.Policy.Creation);

    /// <summary>The command has been given what it is to have.</summary>
    public void OnProtections(LaunchAttempts attempts)
    {
        Statistics.Protections.AddRange(attempts.Given());
        TellMissing(attempts.Missing);
    }

    /// <summary>The limits of the run stand, but for some.</summary>
    public void OnLimits(List<(Protection Protection, string Why)> missing)
    {
        RunLimits limits = plan.Policy.Resources.Run;
        Given(Protection.Memory, limits.Memory is not null);
        Given(Protection.Cpu, limits.Cpu is not null);
        Given(Protection.IoWeight, limits.IoWeight is not null);
        Given(Protection.Output, limits.Output is not null);
        TellMissing(missing);

        void Given(Protection protection, bool asked)
        {
            if (asked && !missing.Exists(m => m.Protection == protection))
            {
                Statistics.Protections.Add(protection.Name());
            }
        }
    }

    /// <summary>A limit of the run was reached.</summary>
    public void OnLimit(string which, long value, int process, string? program)
    {
        Statistics.Limits.Add(new(which, value, process, program));
        if (_events is not null)
        {
            Utf8JsonWriter json = _events.Begin(clock.Now - _start, "limit");
            ResultFile.WriteLimit(json, Statistics.Limits[^1]);
            _events.End();
        }
    }

    private void TellMissing(IReadOnlyList<(Protection Protection, string Why)> missing)
    {
        foreach ((Protection protection, string why) in missing)
        {
            Statistics.Degraded.Add(protection.Name());
            _log.Warn("runs without {Protection}: {Why}", protection.Name(), why);
        }
    }

    /// <summary>A creation has come to its end, whichever.</summary>
    public void OnClone(PendingClone clone)
    {
        int entry = (int)clone.Call.Entry;
        long[] counts = clone.Verdict switch
        {
            CloneVerdict.Created => Statistics.Created,
            CloneVerdict.Denied => Statistics.Denied,
            _ => Statistics.Unwound,
        };
        counts[entry]++;
        CountSetUp(clone.Verdict == CloneVerdict.Created ? SetUpOf(clone) : 0);
        ReadOnlySpan<long> nanoseconds = clone.Nanoseconds;
        for (int i = 0; i < nanoseconds.Length; i++)
        {
            if (nanoseconds[i] > 0)
            {
                Statistics.Stages[i].Add(nanoseconds[i]);
            }
        }

        if (_log.Verbose)
        {
            Tell(clone);
        }

        if (clone.Verdict == CloneVerdict.Denied)
        {
            Note(clone.Call.Entry, clone.Caller, clone.Refusal, AskedFlags(clone));
        }

        if (_events is not null)
        {
            WriteClone(_events.Begin(clock.Now - _start, "clone"), clone);
            _events.End();
        }
    }

    /// <summary>A task runs another program; the run's own domain has no name.</summary>
    public void OnExec(GuestTask task)
    {
        if (_log.Verbose)
        {
            string program = OneLine.Of(task.Group.Program ?? "?");
            _log.Detail("task {Tid} runs {Program}", task.Tid.Value, program);
        }

        if (_events is not null)
        {
            Utf8JsonWriter json = _events.Begin(clock.Now - _start, "exec");
            json.WriteNumber("tid"u8, task.Tid.Value);
            json.WriteString("path"u8, task.Group.Program);
            json.WriteNull("domain"u8);
            _events.End();
        }
    }

    /// <summary>A task has ended.</summary>
    public void OnExit(in TaskExit exit)
    {
        if (_events is null)
        {
            return;
        }

        Utf8JsonWriter json = _events.Begin(clock.Now - _start, "exit");
        json.WriteNumber("tid"u8, exit.Tid.Value);
        json.WriteStartObject("status"u8);
        if (exit.Status.Exited)
        {
            json.WriteNumber("exited"u8, exit.Status.ExitCode);
        }
        else
        {
            json.WriteString("signaled"u8, SignalNames.Of(exit.Status.TermSignal));
        }

        json.WriteEndObject();
        json.WriteStartObject("rusage"u8);
        json.WriteNumber("user_us"u8, Micro(exit.Usage.ru_utime));
        json.WriteNumber("system_us"u8, Micro(exit.Usage.ru_stime));
        json.WriteNumber("max_rss_kb"u8, exit.Usage.ru_maxrss);
        json.WriteEndObject();
        _events.End();
    }

    /// <summary>The run is over.</summary>
    public void OnResult(RunOutcome outcome)
    {
        if (_events is null)
        {
            return;
        }

        _events.BeginEnd();
        foreach (Denial denial in outcome.Statistics.Denials)
        {
            ResultFile.WriteDenial(_events.Begin(clock.Now - _start, "denied"), denial);
            _events.End();
        }

        ResultFile.WriteBody(_events.Begin(clock.Now - _start, "result"), outcome);
        _events.End();
    }

    /// <summary>Notes a denial; the first of a limit is an event of its own.</summary>
    private void Note(EntryPoint entry, GuestTask? caller, in Refusal refusal, ulong flags)
    {
        if (refusal.By is not (RefusedBy.Policy or RefusedBy.Limit))
        {
            return;
        }

        bool first = Denials.Add(entry, caller?.Group.Program, refusal, flags);
        if (first && refusal.By == RefusedBy.Limit && _events is not null)
        {
            Utf8JsonWriter json = _events.Begin(clock.Now - _start, "limit");
            json.WriteString("which"u8, refusal.Rule);
            if (plan.Policy.Values.TryGetValue(refusal.Rule, out Sourced<string> value))
            {
                json.WriteNumber("value"u8, int.Parse(value.Value, CultureInfo.InvariantCulture));
            }

            _events.End();
        }
    }

    private static long Micro(in timeval time) => (time.tv_sec * 1_000_000) + time.tv_usec;

    private void WriteClone(Utf8JsonWriter json, PendingClone clone)
    {
        json.WriteNumber("id"u8, clone.Id);
        json.WriteString("entry"u8, clone.Call.Entry.Name());
        WriteCaller(json, clone.Call.Caller, clone.Caller);
        WriteFlags(json, "flags", AskedFlags(clone));
        if (clone.Verdict != CloneVerdict.Denied)
        {
            WriteFlags(json, "flags_run", RunFlags(clone));
        }

        json.WriteString("exit_signal"u8, clone.Request.ExitSignal == 0
            ? "0" : SignalNames.Of((int)clone.Request.ExitSignal));
        json.WriteString("verdict"u8, clone.Verdict switch
        {
            CloneVerdict.Created => "allow",
            CloneVerdict.Denied => "deny",
            _ => "unwound",
        });
        bool created = clone.Verdict == CloneVerdict.Created;
        if (created)
        {
            json.WriteNumber("child"u8, clone.Child.Value);
            WriteSetUp(json, SetUpOf(clone));
        }

        WriteRule(json, created ? null : clone.Refusal, clone.Decision);

        json.WriteStartObject("stages_ns"u8);
        ReadOnlySpan<long> nanoseconds = clone.Nanoseconds;
        for (int i = 0; i < nanoseconds.Length; i++)
        {
            if (nanoseconds[i] > 0)
            {
                json.WriteNumber(ResultFile.StageLabel((StageName)i), nanoseconds[i]);
            }
        }

        json.WriteEndObject();
    }

    private static void WriteCaller(Utf8JsonWriter json, HostTid tid, GuestTask? caller)
    {
        json.WriteStartObject("caller"u8);
        json.WriteNumber("tid"u8, tid.Value);
        json.WriteNumber("tgid"u8, caller?.Group.Tgid.Value ?? 0);
        json.WriteString("exe"u8, caller?.Group.Program);
        json.WriteEndObject();
    }

    /// <summary>
    /// What decided: a refusal with its errno, or the rule that let the call pass.
    /// </summary>
    private static void WriteRule(
        Utf8JsonWriter json, Refusal? refusal, in CreationDecision decision)
    {
        if (refusal is { } no)
        {
            json.WriteString("errno"u8, no.Errno.ToString());
        }

        Origin? origin = refusal is { } why ? why.Origin : decision.Origin;
        json.WriteStartObject("rule"u8);
        json.WriteString(
            refusal is { } by ? Source(by.By) : "policy", refusal?.Rule ?? decision.Key);
        ResultFile.WriteOrigin(json, origin);
        json.WriteEndObject();
    }

    /// <summary>What was asked for, of a closed call as far as registers tell.</summary>
    private static ulong AskedFlags(PendingClone clone) =>
        CloneDecoder.FlagsInRegisters(clone.Call) ?? clone.Request.Flags;

    private static ulong RunFlags(PendingClone clone) => clone.Runs.Entry switch
    {
        EntryPoint.Clone when clone.Runs.Rewritten => clone.Runs.A0 & ~CSIGNAL,
        _ => clone.Request.Flags,
    };

    private static string Source(RefusedBy by) => by switch
    {
        RefusedBy.KernelRule or RefusedBy.Kernel => "kernel",
        RefusedBy.Policy => "policy",
        RefusedBy.Limit => "limit",
        RefusedBy.Engine => "engine",
        _ => "setup",
    };

    private static void WriteFlags(Utf8JsonWriter json, string name, ulong flags)
    {
        json.WriteStartArray(name);
        foreach ((ulong bit, string flag) in CloneFlags.Table)
        {
            if ((flags & bit) != 0)
            {
                json.WriteStringValue(flag);
                flags &= ~bit;
            }
        }

        if (flags != 0)
        {
            Span<char> hex = stackalloc char[20];
            hex.TryWrite($"0x{flags:x}", out int length);
            json.WriteStringValue(hex[..length]);
        }

        json.WriteEndArray();
    }

    private void Tell(PendingClone clone)
    {
        string flags = string.Join('|', CloneFlags.Of(clone.Request.Flags));
        if (clone.Verdict == CloneVerdict.Created)
        {
            _log.Detail(
                "{Entry}({Flags}) by {Caller}: task {Child}",
                clone.Call.Entry.Name(), flags, clone.Call.Caller.Value, clone.Child.Value);
        }
        else
        {
            _log.Detail(
                "{Entry}({Flags}) by {Caller}: {Errno}, {By}: {Rule}",
                clone.Call.Entry.Name(), flags, clone.Call.Caller.Value,
                clone.Refusal.Errno.Describe(), Source(clone.Refusal.By), clone.Refusal.Rule);
        }
    }
}
