using System;
using System.Collections.Generic;
using Interpose.Cgroups;

namespace Sandbox.Runs;

/// <summary>What a process of a run is at.</summary>
internal enum TaskStage
{
    /// <summary>It runs, or waits for what it asked of the kernel.</summary>
    Running,

    /// <summary>It stands at the creation of a task: as its caller, or as what was made.</summary>
    Creating,

    /// <summary>A signal has stopped it.</summary>
    Stopped,

    /// <summary>The supervisor holds it, and the caller may not see at what.</summary>
    Held,

    /// <summary>It has ended, and its parent has not waited for it.</summary>
    Ended,
}

/// <summary>A process of a run.</summary>
/// <param name="Pid">Its id on this host.</param>
/// <param name="Start">starttime of proc_pid_stat(5).</param>
/// <param name="Parent">That of its parent.</param>
/// <param name="Name">Its own name for itself.</param>
/// <param name="Stage">What it is at.</param>
/// <param name="Threads">How many.</param>
/// <param name="Cpu">Processor time, with that of the children that it waited for.</param>
/// <param name="Memory">Resident bytes, those included that it shares.</param>
internal sealed record RunTask(
    int Pid, long Start, int Parent, string Name, TaskStage Stage, int Threads, TimeSpan Cpu,
    long Memory);

/// <summary>A run on this host.</summary>
/// <param name="Supervisor">Its process, whose id is the run's.</param>
/// <param name="User">Who runs it.</param>
/// <param name="Age">How long.</param>
/// <param name="Arguments">The words of <c>sandbox run</c>, from <c>run</c> on.</param>
/// <param name="Tasks">Its processes.</param>
/// <param name="Cpu">Processor time: of its cgroup, else the sum of its processes.</param>
/// <param name="Memory">Bytes: of its cgroup, else the sum of its processes.</param>
internal sealed record RunningRun(
    RunName Supervisor, int User, TimeSpan Age, string[] Arguments, IReadOnlyList<RunTask> Tasks,
    TimeSpan Cpu, long Memory)
{
    /// <summary>Processes and threads.</summary>
    public int Threads
    {
        get
        {
            int count = 0;
            foreach (RunTask task in Tasks)
            {
                count += task.Threads;
            }

            return count;
        }
    }
}
