using System;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.Placement;

namespace Sandbox.Reports;

/// <summary>What the supervisor itself used from the first guest instruction on.</summary>
/// <param name="Stops">Reports of guests that it handled.</param>
/// <param name="CpuNanoseconds">Time on a processor, of all its threads.</param>
/// <param name="Switches">Times it gave up or lost a processor.</param>
/// <param name="Allocated">Bytes that its tracing thread allocated.</param>
/// <param name="Collections">Garbage collections.</param>
/// <param name="PeakMemory">The most memory it had at once, in bytes.</param>
internal readonly record struct SupervisorUse(
    long Stops, long CpuNanoseconds, long Switches, long Allocated, int Collections,
    long PeakMemory)
{
    /// <summary>What this process has used until now.</summary>
    /// <param name="stops">Reports that it handled until now.</param>
    public static SupervisorUse Now(long stops)
    {
        rusage use = HostProcess.OwnUsage();
        return new(
            stops, Nanoseconds(use.ru_utime) + Nanoseconds(use.ru_stime),
            use.ru_nvcsw + use.ru_nivcsw, GC.GetAllocatedBytesForCurrentThread(),
            GC.CollectionCount(0), 0);
    }

    /// <summary>
    /// What was used since an earlier moment. The peak is that of the whole life; ru_maxrss would
    /// count the memory of whoever called exec for it.
    /// </summary>
    public SupervisorUse Since(in SupervisorUse earlier)
    {
        const int kilobyte = 1024;
        ulong peak = TaskAttributes.Status(new HostTid(Environment.ProcessId), "VmHWM") ?? 0;
        return new(
            Stops - earlier.Stops, CpuNanoseconds - earlier.CpuNanoseconds,
            Switches - earlier.Switches, Allocated - earlier.Allocated,
            Collections - earlier.Collections, (long)peak * kilobyte);
    }

    private static long Nanoseconds(in timeval time) =>
        (time.tv_sec * 1_000_000_000) + (time.tv_usec * 1000);
}
