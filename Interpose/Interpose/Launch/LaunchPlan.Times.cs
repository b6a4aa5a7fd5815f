using System.Collections.Generic;
using System.Diagnostics;
using Interpose.LibC;

namespace Interpose.Launch;

/// <content>Where the time of a launch went.</content>
internal sealed unsafe partial class LaunchPlan
{
    /// <summary>Of steps for which the child waited.</summary>
    private const string ForSupervisor = "supervisor";

    /// <summary>Of steps that are for nothing else.</summary>
    private const string ForCommand = "command";

    /// <summary>
    /// What the steps took so far, by what they are for, in nanoseconds; the clone is part of the
    /// first.
    /// </summary>
    /// <remarks>
    /// The child notes the time-stamp counter, which has no library behind it. Its unit is had by
    /// holding it against the clock over the launch.
    /// </remarks>
    public IReadOnlyList<(string Part, long Nanoseconds)> Times()
    {
        (long time, ulong cycles) = (Stopwatch.GetTimestamp(), Native.Cycles());
        double unit = (double)(time - _begun.Time) / (cycles - _begun.Cycles);
        var parts = new List<(string Part, long Nanoseconds)>();
        ulong before = _begun.Cycles;
        ulong forked = before;
        int second = int.MaxValue;
        for (int i = 0; _plan is not null && i < _plan->count; i++)
        {
            ref launch_step step = ref _plan->steps[i];
            if (step.nr == Fork)
            {
                (forked, second) = (step.ended, (int)step.args[0]);
            }

            before = i == second ? forked : before;
            if (step.ended > before)
            {
                string part = step.nr == Wait ? ForSupervisor
                    : _names[i].Part.Length == 0 ? ForCommand : _names[i].Part;
                Count(parts, part, (long)((step.ended - before) * unit));
                before = step.ended;
            }
        }

        return parts;
    }

    private static void Count(
        List<(string Part, long Nanoseconds)> parts, string part, long nanoseconds)
    {
        int at = parts.FindIndex(p => p.Part == part);
        if (at < 0)
        {
            parts.Add((part, nanoseconds));
        }
        else
        {
            parts[at] = (part, parts[at].Nanoseconds + nanoseconds);
        }
    }
}
