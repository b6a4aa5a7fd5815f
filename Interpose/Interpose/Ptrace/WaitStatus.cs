using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.Ptrace;

/// <summary>A status word of wait4(2), as ptrace(2) extends it.</summary>
/// <param name="Word">The word.</param>
public readonly record struct WaitStatus(int Word)
{
    private const int SyscallBit = 0x80;

    /// <summary>Whether the task ended by exit(2).</summary>
    public bool Exited => (Word & 0x7f) == 0;

    /// <summary>Whether a signal ended it.</summary>
    public bool Signaled => (Word & 0x7f) is not 0 and not 0x7f;

    /// <summary>Whether it ended at all.</summary>
    public bool Ended => Exited || Signaled;

    /// <summary>The status that it gave to exit(2).</summary>
    public int ExitCode => (Word >> 8) & 0xff;

    /// <summary>The signal that ended it.</summary>
    public int TermSignal => Word & 0x7f;

    internal int Event => Word >> 16;

    internal int StopSignal => (Word >> 8) & 0xff;

    internal bool IsSyscallStop => Event == 0 && StopSignal == (SIGTRAP | SyscallBit);
}

/// <summary>One report of wait4(2).</summary>
internal readonly record struct TraceeReport(HostTid Tid, WaitStatus Status, rusage Usage);
