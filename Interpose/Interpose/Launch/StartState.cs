using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Interpose.Abi;
using Interpose.LibC;

namespace Interpose.Launch;

/// <summary>
/// What this process was given at its start, byte for byte, before any runtime changed it. A
/// guest gets the same.
/// </summary>
public static unsafe class StartState
{
    /// <summary>The last arguments of the command line, as bytes.</summary>
    /// <param name="count">How many; at most as many as there are.</param>
    public static IReadOnlyList<byte[]> LastArguments(int count)
    {
        start_state* state = Native.StartState();
        var arguments = new List<byte[]>(count);
        for (long i = Math.Max(0, state->argc - count); i < state->argc; i++)
        {
            arguments.Add(Bytes(state->argv[i]));
        }

        return arguments;
    }

    /// <summary>The environment, each as <c>NAME=VALUE</c> in bytes.</summary>
    public static IReadOnlyList<byte[]> Environment()
    {
        start_state* state = Native.StartState();
        var variables = new List<byte[]>();
        for (byte** at = state->envp; *at != null; at++)
        {
            variables.Add(Bytes(*at));
        }

        return variables;
    }

    /// <summary>
    /// The signals that a run waits for. They are blocked in every thread since the start.
    /// </summary>
    public static ulong WaitedSignals => Native.StartState()->waited;

    /// <summary>Lets signals act on this process again, for commands that run no guest.</summary>
    public static void UnblockSignals() =>
        Posix.Block(Native.StartState()->blocked, Uapi.SIG_SETMASK, out _);

    /// <summary>Signals that were ignored, bit 0 for signal 1.</summary>
    internal static ulong Ignored => Native.StartState()->ignored;

    /// <summary>Signals that were blocked.</summary>
    internal static ulong Blocked => Native.StartState()->blocked;

    /// <summary>Descriptors of 0 to 2 that were closed, a bit each.</summary>
    internal static ulong Closed => Native.StartState()->closed;

    /// <summary>RLIMIT_NOFILE as it was.</summary>
    internal static rlimit64 OpenFiles => new()
    {
        rlim_cur = Native.StartState()->nofile_soft,
        rlim_max = Native.StartState()->nofile_hard,
    };

    private static byte[] Bytes(byte* text) =>
        MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text).ToArray();
}
