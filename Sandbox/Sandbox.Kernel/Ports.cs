using System;
using Interpose.Abi;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Rules;

namespace Sandbox.Kernel;

/// <summary>Reads the memory of a stopped guest task. What it reads is hostile input.</summary>
public interface IGuestMemory
{
    /// <summary>
    /// Copies guest memory once.
    /// </summary>
    /// <param name="task">A task that is stopped.</param>
    /// <param name="address">Where to start in its address space.</param>
    /// <param name="destination">Filled from its beginning.</param>
    /// <param name="read">How many bytes could be read; fewer when the rest is not mapped.</param>
    /// <returns>
    /// None or EFAULT for readable and unreadable memory, EPERM when we may not look.
    /// </returns>
    Errno Read(HostTid task, ulong address, Span<byte> destination, out int read);
}

/// <summary>What can be told of the kernel and of the tasks that call it, for its rules.</summary>
public interface IHostFacts
{
    /// <summary>The kernel.</summary>
    HostFacts Host { get; }

    /// <summary>
    /// A task that is stopped at its call. Each fact is looked up when a rule asks for it, and
    /// what is returned is good until the next call of this method.
    /// </summary>
    CallerFacts CallerOf(HostTid task);
}

/// <summary>Monotonic time.</summary>
public interface IClock
{
    /// <summary>Nanoseconds since some fixed moment.</summary>
    long Now { get; }
}

/// <summary>
/// A resource that each new task is given: cgroup, limits, scheduler, namespaces. The kernel's
/// model is <c>struct cgroup_subsys</c> with can_fork, cancel_fork and fork.
/// </summary>
public interface IForkController
{
    /// <summary>The name that reports use.</summary>
    string Name { get; }

    /// <summary>
    /// Stage 4: acquires everything that placing the child will need, so that it cannot fail
    /// later. The guest has not yet run its call.
    /// </summary>
    /// <returns>The placement, or the refusal that the guest gets.</returns>
    Result<IPlacement> CanFork(PopulatedTask task);
}

/// <summary>A controller's reservation for one child that is not there yet.</summary>
public interface IPlacement : IReservation
{
    /// <summary>
    /// Stage 5: gives the stopped child what was reserved. All that could fail was tried in
    /// stage 4; an errno here is a broken promise of the host and costs the child its life.
    /// </summary>
    Errno Place(HostTid child);
}

/// <summary>Makes chosen steps of the pipeline fail, for tests of the unwinding.</summary>
public interface IFaults
{
    /// <summary>Asked at each step that can fail; None lets it go on.</summary>
    /// <param name="step">The step's place in this creation, from 1.</param>
    Errno At(int step);
}
