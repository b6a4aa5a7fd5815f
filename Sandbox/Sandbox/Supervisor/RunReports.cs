using System;
using System.Collections.Generic;
using System.Text.Json;
using Interpose.Abi;
using Interpose.Ptrace;
using Policies;
using Sandbox.Kernel;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Tasks;
using Sandbox.Reports;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <summary>Counts what happens in a run and tells the event stream and the log.</summary>
internal sealed class RunReports(EventStream? events, Log log, IClock clock)
{
    private readonly long _start = clock.Now;

    /// <summary>The counts.</summary>
    public RunStatistics Statistics { get; } = new();

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
        ReadOnlySpan<long> nanoseconds = clone.Nanoseconds;
        for (int i = 0; i < nanoseconds.Length; i++)
        {
            if (nanoseconds[i] > 0)
            {
                Statistics.Stages[i].Add(nanoseconds[i]);
            }
        }

        if (log.Verbose)
        {
            Tell(clone);
        }

        if (events is not null)
        {
            WriteClone(events.Begin(clock.Now - _start, "clone"), clone);
            events.End();
        }
    }

    /// <summary>A task runs another program.</summary>
    public void OnExec(GuestTask task)
    {
        if (log.Verbose)
        {
            log.Detail("task {Tid} runs {Program}", task.Tid.Value, task.Group.Program);
        }

        if (events is not null)
        {
            Utf8JsonWriter json = events.Begin(clock.Now - _start, "exec");
            json.WriteNumber("tid"u8, task.Tid.Value);
            json.WriteString("path"u8, task.Group.Program);
            events.End();
        }
    }

    /// <summary>A task has ended.</summary>
    public void OnExit(in TaskExit exit)
    {
        if (events is null)
        {
            return;
        }

        Utf8JsonWriter json = events.Begin(clock.Now - _start, "exit");
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
        events.End();
    }

    /// <summary>The run is over.</summary>
    public void OnResult(RunOutcome outcome)
    {
        if (events is not null)
        {
            ResultFile.WriteBody(events.Begin(clock.Now - _start, "result"), outcome);
            events.End();
            if (events.Dropped > 0)
            {
                log.Warn("{Count} events were dropped: the reader was too slow", events.Dropped);
            }
        }
    }

    private static long Micro(in timeval time) => (time.tv_sec * 1_000_000) + time.tv_usec;

    private static void WriteClone(Utf8JsonWriter json, PendingClone clone)
    {
        json.WriteNumber("id"u8, clone.Id);
        json.WriteString("entry"u8, clone.Call.Entry.Name());
        json.WriteStartObject("caller"u8);
        json.WriteNumber("tid"u8, clone.Call.Caller.Value);
        json.WriteNumber("tgid"u8, clone.Caller?.Group.Tgid.Value ?? 0);
        json.WriteString("exe"u8, clone.Caller?.Group.Program);
        json.WriteEndObject();
        WriteFlags(json, "flags", clone.Request.Flags);
        WriteFlags(json, "flags_run", RunFlags(clone));
        json.WriteString("exit_signal"u8, clone.Request.ExitSignal == 0
            ? "0" : SignalNames.Of((int)clone.Request.ExitSignal));
        json.WriteString("verdict"u8, clone.Verdict switch
        {
            CloneVerdict.Created => "allow",
            CloneVerdict.Denied => "deny",
            _ => "unwound",
        });
        if (clone.Verdict == CloneVerdict.Created)
        {
            json.WriteNumber("child"u8, clone.Child.Value);
        }
        else
        {
            json.WriteString("errno"u8, clone.Refusal.Errno.ToString());
            json.WriteStartObject("rule"u8);
            json.WriteString(Origin(clone.Refusal.By), clone.Refusal.Rule);
            json.WriteEndObject();
        }

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

    private static ulong RunFlags(PendingClone clone) => clone.Runs.Entry switch
    {
        EntryPoint.Clone when clone.Runs.Rewritten => clone.Runs.A0 & ~CSIGNAL,
        _ => clone.Request.Flags,
    };

    private static string Origin(RefusedBy by) => by switch
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
        IReadOnlyList<string> names = CloneFlagNames.Of(flags);
        foreach (string flag in names)
        {
            json.WriteStringValue(flag);
        }

        json.WriteEndArray();
    }

    private void Tell(PendingClone clone)
    {
        string flags = string.Join('|', CloneFlagNames.Of(clone.Request.Flags));
        if (clone.Verdict == CloneVerdict.Created)
        {
            log.Detail(
                "{Entry}({Flags}) by {Caller}: task {Child}",
                clone.Call.Entry.Name(), flags, clone.Call.Caller.Value, clone.Child.Value);
        }
        else
        {
            log.Detail(
                "{Entry}({Flags}) by {Caller}: {Errno}, {By}: {Rule}",
                clone.Call.Entry.Name(), flags, clone.Call.Caller.Value,
                clone.Refusal.Errno.Describe(), Origin(clone.Refusal.By), clone.Refusal.Rule);
        }
    }
}
