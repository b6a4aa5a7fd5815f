using System;
using System.Collections.Generic;
using System.Globalization;
using Interpose.Cgroups;
using Interpose.Files;
using Interpose.Placement;
using static Interpose.Abi.Uapi;

namespace Sandbox.Runs;

/// <summary>
/// Finds the runs on this host in /proc alone, so that a run need not enter itself anywhere, and
/// nothing is there to be wrong once its supervisor was killed.
/// </summary>
/// <remarks>
/// A supervisor is a process called <c>sandbox</c> that was started as <c>sandbox run</c>, and
/// that is no guest: none traces it or is its parent. Its tasks are those that it traces. A
/// supervisor is not dumpable; of what /proc closes then nothing is read.
/// </remarks>
internal static class RunFinder
{
    private const string Program = "sandbox";
    private const int TicksPerSecond = 100;

    /// <summary>The runs, oldest first.</summary>
    public static IReadOnlyList<RunningRun> Find()
    {
        IReadOnlyList<ListedProcess> all = ProcessList.Read();
        var supervisors = new SortedDictionary<int, (ListedProcess Process, string[] Words)>();
        foreach (ListedProcess process in all)
        {
            if (process.Stat is { Name: Program, HasEnded: false }
                && Words(process.Stat.Pid) is { } words)
            {
                supervisors.Add(process.Stat.Pid, (process, words));
            }
        }

        var runs = new List<RunningRun>();
        double now = SecondsSinceBoot();
        foreach ((int pid, (ListedProcess process, string[] words)) in supervisors)
        {
            if (!supervisors.ContainsKey(process.Tracer)
                && !supervisors.ContainsKey(process.Stat.Parent))
            {
                runs.Add(Look(process, words, TasksOf(pid, all), now));
            }
        }

        runs.Sort(static (a, b) => b.Age.CompareTo(a.Age));
        return runs;
    }

    /// <summary>The run of an id; null where there is none.</summary>
    public static RunningRun? Find(int id)
    {
        foreach (RunningRun run in Find())
        {
            if (run.Supervisor.Pid == id)
            {
                return run;
            }
        }

        return null;
    }

    /// <summary>What follows the program's name; null for anything but <c>run</c>.</summary>
    private static string[]? Words(int pid)
    {
        string[] words = ProcessList.Arguments(pid);
        return words.Length > 2 && words[1] == "run" ? words[1..] : null;
    }

    private static List<RunTask> TasksOf(int supervisor, IReadOnlyList<ListedProcess> all)
    {
        var tasks = new List<RunTask>();
        foreach ((ProcessStat stat, int tracer, _) in all)
        {
            if (tracer == supervisor)
            {
                tasks.Add(new(
                    stat.Pid, stat.Start, stat.Parent, stat.Name, StageOf(stat), stat.Threads,
                    Time(stat.CpuTicks), stat.Resident));
            }
        }

        return tasks;
    }

    private static TaskStage StageOf(ProcessStat stat) => stat.State switch
    {
        't' => ProcessList.CallOf(stat.Pid) switch
        {
            null => TaskStage.Held,
            __NR_fork or __NR_vfork or __NR_clone or __NR_clone3 => TaskStage.Creating,
            _ => TaskStage.Stopped,
        },
        'T' => TaskStage.Stopped,
        'Z' or 'X' => TaskStage.Ended,
        _ => TaskStage.Running,
    };

    private static RunningRun Look(
        ListedProcess process, string[] words, List<RunTask> tasks, double now)
    {
        var name = new RunName(process.Stat.Pid, process.Stat.Start);
        long? memory = null;
        long? nanoseconds = null;
        if (tasks.Count > 0)
        {
            CgroupTree.Of(tasks[0].Pid).Usage(name, out memory, out nanoseconds);
        }

        long sum = 0;
        TimeSpan cpu = TimeSpan.Zero;
        foreach (RunTask task in tasks)
        {
            sum += task.Memory;
            cpu += task.Cpu;
        }

        double age = Math.Max(0, now - ((double)process.Stat.Start / TicksPerSecond));
        return new(
            name, process.User, TimeSpan.FromSeconds(age), words, tasks,
            nanoseconds is { } used ? TimeSpan.FromTicks(used / 100) : cpu, memory ?? sum);
    }

    private static TimeSpan Time(long ticks) =>
        TimeSpan.FromSeconds((double)ticks / TicksPerSecond);

    /// <summary>proc_uptime(5), by the clock that also says when a process began.</summary>
    private static double SecondsSinceBoot() => double.TryParse(
        TextFile.Read("/proc/uptime")?.Split(' ')[0], NumberStyles.Float,
        CultureInfo.InvariantCulture, out double seconds) ? seconds : 0;
}
