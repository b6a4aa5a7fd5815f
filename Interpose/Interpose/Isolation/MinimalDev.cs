using System.Collections.Immutable;

namespace Interpose.Isolation;

/// <summary>What a minimal /dev holds, besides terminals and shared memory of its own.</summary>
internal static class MinimalDev
{
    /// <summary>The devices of the host that harm nobody: null(4), random(4), tty(4).</summary>
    public static ImmutableArray<string> Devices { get; } =
        ["null", "zero", "full", "random", "urandom", "tty"];

    /// <summary>Links: pts(4), proc_pid_fd(5).</summary>
    public static ImmutableArray<(string Name, string Target)> Links { get; } =
    [
        ("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"),
    ];
}
