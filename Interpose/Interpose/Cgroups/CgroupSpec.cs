using System.Collections.Generic;
using Interpose.Abi;

namespace Interpose.Cgroups;

/// <summary>What a group is limited to; null is no limit.</summary>
/// <param name="Memory">Bytes of memory, the page cache included.</param>
/// <param name="Swap">Bytes of swap besides.</param>
/// <param name="Cpu">Processors, such as 1.5.</param>
/// <param name="IoWeight">1 to 10000, where 100 is the common share.</param>
/// <param name="Tasks">Processes and threads, those of the kernel for io_uring included.</param>
/// <param name="KillTogether">
/// Whether the OOM killer ends all of the group: memory.oom.group, version 2.
/// </param>
public sealed record CgroupSpec(
    ulong? Memory = null, ulong? Swap = null, double? Cpu = null, int? IoWeight = null,
    int? Tasks = null, bool KillTogether = false)
{
    /// <summary>The controllers that must be had, each with the limit it is for.</summary>
    internal IEnumerable<(string Controller, string Part)> Controllers()
    {
        if (Memory is not null)
        {
            yield return ("memory", "memory");
        }

        if (Cpu is not null)
        {
            yield return ("cpu", "cpu");
        }

        if (IoWeight is not null)
        {
            yield return ("io", "io_weight");
        }
    }
}

/// <summary>By what a process comes into a group, in one of the hierarchies.</summary>
/// <param name="Fd">Its cgroup.procs, open for writing.</param>
/// <param name="File">The same, by its path.</param>
/// <param name="Directory">
/// In version 2 its directory, of which clone3(2) makes the birthplace of a process.
/// </param>
public readonly record struct CgroupEntrance(int Fd, string File, int? Directory);

/// <summary>A group that could not be had.</summary>
/// <param name="Step">What was tried.</param>
/// <param name="Object">On what.</param>
/// <param name="Errno">How it failed.</param>
/// <param name="Part">The limit that it was for.</param>
public sealed record CgroupFailure(string Step, string Object, Errno Errno, string Part);

/// <summary>What a group used; null where the kernel does not tell.</summary>
/// <param name="MemoryPeak">The most bytes of memory at once.</param>
/// <param name="CpuNanoseconds">Processor time of all that ever were in it.</param>
/// <param name="ThrottledNanoseconds">Time that it was kept from the processors.</param>
/// <param name="IoRead">Bytes read from block devices.</param>
/// <param name="IoWritten">Bytes written to block devices.</param>
/// <param name="OomKills">Tasks that the OOM killer ended.</param>
public sealed record CgroupUse(
    long? MemoryPeak, long? CpuNanoseconds, long? ThrottledNanoseconds, long? IoRead,
    long? IoWritten, long? OomKills);
