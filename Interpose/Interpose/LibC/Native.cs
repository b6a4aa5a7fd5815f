using System.Runtime.InteropServices;
using Interpose.Abi;
using Interpose.Launch;

namespace Interpose.LibC;

/// <summary>
/// Every import there is. System calls go through one function that gives the kernel's own
/// answer: a result, or -errno, captured by the call itself.
/// </summary>
internal static unsafe partial class Native
{
    private const string Library = "sandboxchild";

    /// <summary>A call that may block: the garbage collector can run meanwhile.</summary>
    [LibraryImport(Library, EntryPoint = "sandbox_syscall")]
    public static partial long Blocking(
        long nr, nint a0, nint a1, nint a2, nint a3, nint a4, nint a5);

    /// <summary>A call that cannot block.</summary>
    [LibraryImport(Library, EntryPoint = "sandbox_syscall")]
    [SuppressGCTransition]
    public static partial long Quick(
        long nr, nint a0 = 0, nint a1 = 0, nint a2 = 0, nint a3 = 0, nint a4 = 0, nint a5 = 0);

    /// <summary>A call that may block, which a signal with the bell's handler ends.</summary>
    [LibraryImport(Library, EntryPoint = "sandbox_wait")]
    public static partial long Wait(long nr, nint a0, nint a1, nint a2, nint a3);

    [LibraryImport(Library, EntryPoint = "sandbox_bell_hang")]
    public static partial int BellHang(ulong signals);

    [LibraryImport(Library, EntryPoint = "sandbox_bell_take_down")]
    public static partial void BellTakeDown();

    [LibraryImport(Library, EntryPoint = "sandbox_bell_at")]
    [SuppressGCTransition]
    public static partial void BellAt(long nanoseconds);

    [LibraryImport(Library, EntryPoint = "sandbox_bell_take")]
    [SuppressGCTransition]
    public static partial int BellTake(siginfo_t* signal);

    [LibraryImport(Library, EntryPoint = "sandbox_wake_by")]
    public static partial int WakeBy(int signal);

    [LibraryImport(Library, EntryPoint = "sandbox_start_state")]
    public static partial start_state* StartState();

    [LibraryImport(Library, EntryPoint = "sandbox_launch")]
    public static partial long Launch(launch_plan* plan);

    [LibraryImport(Library, EntryPoint = "sandbox_init_image")]
    public static partial byte* InitImage(ulong* size);

    [LibraryImport(Library, EntryPoint = "sandbox_nssetup_image")]
    public static partial byte* NamespaceSetupImage(ulong* size);

    [LibraryImport(Library, EntryPoint = "sandbox_give_up_capabilities")]
    public static partial long GiveUpCapabilities(ulong keep);

    /// <summary>The time-stamp counter.</summary>
    [LibraryImport(Library, EntryPoint = "sandbox_cycles")]
    [SuppressGCTransition]
    public static partial ulong Cycles();

    /// <summary>The error in a raw result; None for a success.</summary>
    public static Errno ErrnoOf(long result) => result < 0 ? (Errno)(-result) : Errno.None;
}
