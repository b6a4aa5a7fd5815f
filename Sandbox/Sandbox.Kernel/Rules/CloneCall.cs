using Interpose.Abi;
using Policies;

namespace Sandbox.Kernel.Rules;

/// <summary>A request to create a task as the guest's registers have it.</summary>
/// <param name="Entry">The system call.</param>
/// <param name="Caller">The thread that called.</param>
/// <param name="A0">First argument (rdi).</param>
/// <param name="A1">Second argument (rsi).</param>
/// <param name="A2">Third argument (rdx).</param>
/// <param name="A3">Fourth argument (r10).</param>
/// <param name="A4">Fifth argument (r8).</param>
public readonly record struct CloneCall(
    EntryPoint Entry, HostTid Caller, ulong A0, ulong A1, ulong A2, ulong A3, ulong A4);

/// <summary>The call that the kernel will really run: registers only, no guest memory.</summary>
/// <param name="Entry">Never clone3.</param>
/// <param name="Rewritten">Whether it differs from what the guest's registers say.</param>
/// <param name="A0">First argument (rdi).</param>
/// <param name="A1">Second argument (rsi).</param>
/// <param name="A2">Third argument (rdx).</param>
/// <param name="A3">Fourth argument (r10).</param>
/// <param name="A4">Fifth argument (r8).</param>
public readonly record struct HostCall(
    EntryPoint Entry, bool Rewritten, ulong A0, ulong A1, ulong A2, ulong A3, ulong A4);

/// <summary>
/// One request, whichever call it came by: the kernel's <c>struct kernel_clone_args</c>.
/// </summary>
/// <param name="Entry">The system call.</param>
/// <param name="Flags">CLONE_* without the exit signal.</param>
/// <param name="ExitSignal">What the parent is told with; 0 is nothing.</param>
/// <param name="PidFd">Where a pidfd number goes, in guest memory.</param>
/// <param name="ParentTid">Where the parent's copy of the tid goes.</param>
/// <param name="ChildTid">Where the child's copy goes, and what is cleared at its end.</param>
/// <param name="Stack">Lowest byte of the child's stack (clone3) or its top (clone).</param>
/// <param name="StackSize">Size of it; 0 for clone.</param>
/// <param name="Tls">Thread area.</param>
/// <param name="SetTid">The tids that the caller wants to choose, innermost first.</param>
/// <param name="Cgroup">Descriptor for CLONE_INTO_CGROUP.</param>
public readonly record struct CloneRequest(
    EntryPoint Entry,
    ulong Flags,
    ulong ExitSignal,
    ulong PidFd,
    ulong ParentTid,
    ulong ChildTid,
    ulong Stack,
    ulong StackSize,
    ulong Tls,
    int[] SetTid,
    ulong Cgroup);
