using System.Collections.Generic;
using System.Linq;
using static Interpose.Abi.Uapi;

namespace Interpose.Abi;

/// <summary>Signals by name: signal(7).</summary>
public static class SignalNames
{
    private const int FirstRealTime = 32;

    /// <summary>The names of all signals but the real-time ones, by number.</summary>
    public static IReadOnlyList<string> All { get; } =
        [.. Enumerable.Range(1, FirstRealTime - 1).Select(Of)];

    /// <summary>
    /// The name of a signal; real-time ones count from SIGRTMIN as the kernel does.
    /// </summary>
    public static string Of(int signal) => signal switch
    {
        SIGHUP => "SIGHUP",
        SIGINT => "SIGINT",
        SIGQUIT => "SIGQUIT",
        SIGILL => "SIGILL",
        SIGTRAP => "SIGTRAP",
        SIGABRT => "SIGABRT",
        SIGBUS => "SIGBUS",
        SIGFPE => "SIGFPE",
        SIGKILL => "SIGKILL",
        SIGUSR1 => "SIGUSR1",
        SIGSEGV => "SIGSEGV",
        SIGUSR2 => "SIGUSR2",
        SIGPIPE => "SIGPIPE",
        SIGALRM => "SIGALRM",
        SIGTERM => "SIGTERM",
        SIGSTKFLT => "SIGSTKFLT",
        SIGCHLD => "SIGCHLD",
        SIGCONT => "SIGCONT",
        SIGSTOP => "SIGSTOP",
        SIGTSTP => "SIGTSTP",
        SIGTTIN => "SIGTTIN",
        SIGTTOU => "SIGTTOU",
        SIGURG => "SIGURG",
        SIGXCPU => "SIGXCPU",
        SIGXFSZ => "SIGXFSZ",
        SIGVTALRM => "SIGVTALRM",
        SIGPROF => "SIGPROF",
        SIGWINCH => "SIGWINCH",
        SIGIO => "SIGIO",
        SIGPWR => "SIGPWR",
        SIGSYS => "SIGSYS",
        >= FirstRealTime and <= _NSIG => $"SIGRTMIN+{signal - FirstRealTime}",
        _ => $"signal {signal}",
    };

    /// <summary>The signal of a name such as SIGCHLD; 0 when none has it.</summary>
    public static int Parse(string name)
    {
        for (int signal = 1; signal <= _NSIG; signal++)
        {
            if (Of(signal) == name)
            {
                return signal;
            }
        }

        return 0;
    }
}
