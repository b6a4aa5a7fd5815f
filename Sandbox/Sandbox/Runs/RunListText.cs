using System;
using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Policies;

namespace Sandbox.Runs;

/// <summary>The runs of a host as an aligned table, and as JSON.</summary>
internal static class RunListText
{
    private const int MostCommand = 120;

    /// <summary>A line for each run, and below it one for each process where asked for.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="read">What its words say of policy and command.</param>
    /// <param name="trees">Whether the processes are shown.</param>
    public static string Table(
        IReadOnlyList<RunningRun> runs,
        Func<RunningRun, (string Policy, string Command)> read, bool trees)
    {
        int width = "POLICY".Length;
        var words = new List<(string Policy, string Command)>();
        foreach (RunningRun run in runs)
        {
            (string policy, string command) = read(run);
            words.Add((OneLine.Of(policy), OneLine.Of(command)));
            width = Math.Max(width, words[^1].Policy.Length);
        }

        var text = new StringBuilder();
        Row(text, "RUN", "USER", "AGE", "TASKS", "CPU", "MEMORY", "POLICY".PadRight(width),
            "COMMAND");
        for (int i = 0; i < runs.Count; i++)
        {
            RunningRun run = runs[i];
            (string policy, string command) = words[i];
            Row(text, Number(run.Supervisor.Pid), Number(run.User), Time(run.Age),
                Number(run.Threads), Time(run.Cpu), Size(run.Memory), policy.PadRight(width),
                command.Length <= MostCommand ? command : command[..MostCommand] + "...");
            if (trees)
            {
                Tree(text, run);
            }
        }

        return text.ToString();
    }

    /// <summary>One JSON object; its names are part of the contract.</summary>
    public static string Json(
        IReadOnlyList<RunningRun> runs,
        Func<RunningRun, (string Policy, string Command)> read)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("runs"u8);
            foreach (RunningRun run in runs)
            {
                (string policy, string command) = read(run);
                json.WriteStartObject();
                json.WriteNumber("run"u8, run.Supervisor.Pid);
                json.WriteNumber("uid"u8, run.User);
                json.WriteNumber("age_ms"u8, (long)run.Age.TotalMilliseconds);
                json.WriteString("policy"u8, policy);
                json.WriteString("command"u8, command);
                json.WriteNumber("tasks"u8, run.Threads);
                json.WriteNumber("cpu_ns"u8, Nanoseconds(run.Cpu));
                json.WriteNumber("memory"u8, run.Memory);
                json.WriteStartArray("processes"u8);
                foreach (RunTask task in run.Tasks)
                {
                    json.WriteStartObject();
                    json.WriteNumber("pid"u8, task.Pid);
                    json.WriteNumber("parent"u8, task.Parent);
                    json.WriteString("name"u8, task.Name);
                    json.WriteString("stage"u8, Stage(task));
                    json.WriteNumber("threads"u8, task.Threads);
                    json.WriteNumber("cpu_ns"u8, Nanoseconds(task.Cpu));
                    json.WriteNumber("memory"u8, task.Memory);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    /// <summary>The processes, each below its parent; guests nest them as they like.</summary>
    private static void Tree(StringBuilder text, RunningRun run)
    {
        const int deepest = 20;
        var children = new Dictionary<int, List<RunTask>>();
        var pids = new HashSet<int>();
        foreach (RunTask task in run.Tasks)
        {
            pids.Add(task.Pid);
        }

        foreach (RunTask task in run.Tasks)
        {
            int above = pids.Contains(task.Parent) && task.Parent != task.Pid ? task.Parent : 0;
            if (!children.TryGetValue(above, out List<RunTask>? list))
            {
                children[above] = list = [];
            }

            list.Add(task);
        }

        var open = new Stack<(RunTask Task, int Depth)>();
        Push(0, 0);
        while (open.TryPop(out (RunTask Task, int Depth) next))
        {
            (RunTask task, int depth) = next;
            text.Append(' ', 2 * (1 + Math.Min(depth, deepest)));
            text.Append(
                CultureInfo.InvariantCulture, $"{task.Pid} {OneLine.Of(task.Name)}  {Stage(task)}  "
                + $"threads {task.Threads}  cpu {Time(task.Cpu)}  memory {Size(task.Memory)}\n");
            Push(task.Pid, depth + 1);
        }

        void Push(int above, int depth)
        {
            if (children.Remove(above, out List<RunTask>? list))
            {
                for (int i = list.Count - 1; i >= 0; i--)
                {
                    open.Push((list[i], depth));
                }
            }
        }
    }

    private static string Stage(RunTask task) => task.Stage switch
    {
        TaskStage.Running => "running",
        TaskStage.Creating => "creating",
        TaskStage.Stopped => "stopped",
        TaskStage.Held => "held",
        _ => "ended",
    };

    private static void Row(
        StringBuilder text, string run, string user, string age, string tasks, string cpu,
        string memory, string policy, string command) => text.Append(
            $"{run,-9} {user,-6} {age,9} {tasks,6} {cpu,9} {memory,8}  {policy}  {command}\n");

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static long Nanoseconds(TimeSpan time) => time.Ticks * 100;

    private static string Time(TimeSpan time) => time.TotalMinutes < 1
        ? time.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture) + "s"
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{(long)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}");

    private static string Size(long bytes)
    {
        const int mega = 1 << 20;
        const int kilo = 1 << 10;
        (double value, string unit) = bytes >= mega ? ((double)bytes / mega, "M")
            : ((double)bytes / kilo, "K");
        return value.ToString("0.0", CultureInfo.InvariantCulture) + unit;
    }
}
