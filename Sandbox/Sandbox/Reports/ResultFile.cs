using System;
using System.Buffers;
using System.Text.Json;
using Interpose.Launch;
using Policies;
using Sandbox.Kernel;
using Sandbox.Kernel.Fork;
using Sandbox.Supervisor;

namespace Sandbox.Reports;

/// <summary>The outcome of a run as one JSON object.</summary>
internal static class ResultFile
{
    /// <summary>Writes the object and closes the descriptor; false when that failed.</summary>
    public static bool Write(int fd, RunOutcome outcome)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            WriteBody(json, outcome);
            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        bool written = HostProcess.Write(fd, buffer.WrittenSpan);
        HostProcess.Close(fd);
        return written;
    }

    /// <summary>Writes the members of the object, for the event <c>result</c> as well.</summary>
    public static void WriteBody(Utf8JsonWriter json, RunOutcome outcome)
    {
        RunStatistics numbers = outcome.Statistics;
        json.WriteString("status"u8, Name(outcome.Status));
        json.WriteString("reason"u8, outcome.Reason);
        json.WriteNumber("exit_code"u8, outcome.ExitCode);
        json.WriteNumber("wall_ns"u8, numbers.WallNanoseconds);
        json.WriteNumber("cpu_ns"u8, numbers.CpuNanoseconds);
        json.WriteNumber("peak_memory"u8, numbers.PeakMemory);
        json.WriteStartObject("tasks"u8);
        json.WriteNumber("created"u8, numbers.TotalCreated);
        json.WriteNumber("denied"u8, numbers.TotalDenied);
        json.WriteNumber("unwound"u8, numbers.TotalUnwound);
        json.WriteNumber("peak"u8, numbers.Peak);
        json.WriteNumber("killed_at_end"u8, numbers.KilledAtEnd);
        json.WriteEndObject();
        WriteUsage(json, numbers);
        json.WriteStartObject("namespaces"u8);
        json.WriteNumber("maps_written"u8, numbers.MapsWritten);
        json.WriteNumber("loopbacks_raised"u8, numbers.LoopbacksRaised);
        json.WriteEndObject();
        WriteDecisions(json, numbers);
        json.WriteStartArray("denials"u8);
        foreach (Denial denial in numbers.Denials)
        {
            json.WriteStartObject();
            WriteDenial(json, denial);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("other_denials"u8, numbers.OtherDenials);
        json.WriteStartObject("dropped_events"u8);
        foreach ((string name, long count) in numbers.DroppedEvents)
        {
            json.WriteNumber(name, count);
        }

        json.WriteEndObject();
        WriteSupervisor(json, numbers.Supervisor);
        json.WriteStartObject("stages"u8);
        for (int i = 0; i < numbers.Stages.Length; i++)
        {
            json.WriteStartObject(StageLabel((StageName)i));
            json.WriteNumber("count"u8, numbers.Stages[i].Count);
            json.WriteNumber("p50_ns"u8, numbers.Stages[i].Quantile(0.5));
            json.WriteNumber("p99_ns"u8, numbers.Stages[i].Quantile(0.99));
            json.WriteEndObject();
        }

        json.WriteEndObject();
        WriteLaunch(json, numbers);
        if (numbers.Commit is var (state, changes))
        {
            json.WriteStartObject("commit"u8);
            json.WriteString("state"u8, state);
            json.WriteNumber("changes"u8, changes);
            json.WriteEndObject();
        }
    }

    /// <summary>Writes the members of one denial, for the event <c>denied</c> as well.</summary>
    public static void WriteDenial(Utf8JsonWriter json, Denial denial)
    {
        Refusal refusal = denial.Cause.Refusal;
        json.WriteString("what"u8, denial.What);
        json.WriteNumber("count"u8, denial.Count);
        json.WriteString("program"u8, denial.Cause.Program);
        json.WriteString("errno"u8, refusal.Errno.ToString());
        json.WriteStartObject("rule"u8);
        json.WriteString(refusal.By == RefusedBy.Limit ? "limit"u8 : "policy"u8, refusal.Rule);
        WriteOrigin(json, refusal.Origin);
        json.WriteEndObject();
        if (denial.Edit is { } edit)
        {
            json.WriteStartArray("edit"u8);
            foreach (string setting in edit)
            {
                json.WriteStringValue(setting);
            }

            json.WriteEndArray();
        }
        else
        {
            json.WriteNull("edit"u8);
        }
    }

    /// <summary>Writes where a policy set something; nothing for what is in no text.</summary>
    public static void WriteOrigin(Utf8JsonWriter json, Origin? origin)
    {
        if (origin is { Line: > 0 })
        {
            json.WriteString("file"u8, origin.File);
            json.WriteNumber("line"u8, origin.Line);
            json.WriteNumber("column"u8, origin.Column);
        }
    }

    /// <summary>A stage's name in reports.</summary>
    public static string StageLabel(StageName stage) => stage switch
    {
        StageName.Validate => "validate",
        StageName.Allocate => "allocate",
        StageName.Populate => "populate",
        StageName.Reserve => "reserve",
        StageName.Kernel => "kernel",
        StageName.Publish => "publish",
        _ => "wake_up",
    };

    private static void WriteSupervisor(Utf8JsonWriter json, in SupervisorUse use)
    {
        json.WriteStartObject("supervisor"u8);
        json.WriteNumber("stops"u8, use.Stops);
        json.WriteNumber("cpu_ns"u8, use.CpuNanoseconds);
        json.WriteNumber("context_switches"u8, use.Switches);
        json.WriteNumber("allocated"u8, use.Allocated);
        json.WriteNumber("collections"u8, use.Collections);
        json.WriteNumber("peak_memory"u8, use.PeakMemory);
        json.WriteEndObject();
    }

    /// <summary>Writes the members of one limit, for the event <c>limit</c> as well.</summary>
    public static void WriteLimit(Utf8JsonWriter json, in LimitReached limit)
    {
        json.WriteString("which"u8, limit.Which);
        json.WriteNumber("value"u8, limit.Value);
        json.WriteNumber("pid"u8, limit.Process);
        json.WriteString("program"u8, limit.Program);
    }

    /// <summary>What the run used besides, and which of its limits it met.</summary>
    private static void WriteUsage(Utf8JsonWriter json, RunStatistics numbers)
    {
        const int block = 512;
        json.WriteStartObject("usage"u8);
        json.WriteNumber("context_switches"u8, numbers.ContextSwitches);
        json.WriteNumber("io_read"u8, numbers.BlocksRead * block);
        json.WriteNumber("io_written"u8, numbers.BlocksWritten * block);
        json.WriteEndObject();
        if (numbers.Group is { } group)
        {
            json.WriteStartObject("cgroup"u8);
            Write(json, "memory_peak", group.MemoryPeak);
            Write(json, "cpu_ns", group.CpuNanoseconds);
            Write(json, "throttled_ns", group.ThrottledNanoseconds);
            Write(json, "io_read", group.IoRead);
            Write(json, "io_written", group.IoWritten);
            Write(json, "oom_kills", group.OomKills);
            json.WriteEndObject();
        }

        json.WriteStartArray("limits"u8);
        foreach (LimitReached limit in numbers.Limits)
        {
            json.WriteStartObject();
            WriteLimit(json, limit);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>A number that the kernel may not have told.</summary>
    private static void Write(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } known)
        {
            json.WriteNumber(name, known);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    private static void WriteDecisions(Utf8JsonWriter json, RunStatistics numbers)
    {
        (long hits, long misses) = numbers.Decisions;
        json.WriteStartObject("decisions"u8);
        json.WriteNumber("hits"u8, hits);
        json.WriteNumber("misses"u8, misses);
        json.WriteNumber(
            "hit_rate"u8, hits == 0 ? 0 : Math.Round((double)hits / (hits + misses), 4));
        json.WriteEndObject();
    }

    /// <summary>What the launch took, and what protects the run.</summary>
    private static void WriteLaunch(Utf8JsonWriter json, RunStatistics numbers)
    {
        json.WriteStartObject("launch"u8);
        foreach ((string part, long nanoseconds) in numbers.Launch)
        {
            json.WriteNumber($"{part}_ns", nanoseconds);
        }

        json.WriteEndObject();
        json.WriteStartArray("enforced"u8);
        foreach (string protection in Enforced)
        {
            json.WriteStringValue(protection);
        }

        foreach (string protection in numbers.Protections)
        {
            json.WriteStringValue(protection);
        }

        json.WriteEndArray();
        json.WriteStartArray("degraded"u8);
        foreach (string protection in numbers.Degraded)
        {
            json.WriteStringValue(protection);
        }

        json.WriteEndArray();
    }

    private static string[] Enforced { get; } =
    [
        "creation", "no_new_privs", "architecture", "io_uring_off", "terminal_injection_off",
        "descriptors", "kill_on_exit",
    ];

    private static string Name(RunStatus status) => status switch
    {
        RunStatus.Exited => "exited",
        RunStatus.Signaled => "signaled",
        RunStatus.TimedOut => "timed_out",
        RunStatus.Violation => "violation",
        RunStatus.SetupFailed => "setup_failed",
        _ => "internal_error",
    };
}
