using System;
using System.Diagnostics;
using Interpose.Abi;
using Sandbox.Kernel;

namespace Sandbox.Supervisor;

/// <summary>The monotonic clock.</summary>
internal sealed class MonotonicClock : IClock
{
    /// <inheritdoc/>
    public long Now => Stopwatch.GetTimestamp();
}

/// <summary>Guest memory through process_vm_readv(2).</summary>
internal sealed class TracedMemory : IGuestMemory
{
    /// <inheritdoc/>
    public Errno Read(HostTid task, ulong address, Span<byte> destination, out int read) =>
        Interpose.Ptrace.GuestMemory.Read(task, address, destination, out read);
}
