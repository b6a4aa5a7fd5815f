using System;
using System.Diagnostics.CodeAnalysis;
using Interpose.Abi;

namespace Sandbox;

/// <summary>
/// The host would not give what a run needs. Thrown before the first guest instruction only;
/// nothing is left running.
/// </summary>
[SuppressMessage("Design", "CA1064", Justification = "Caught by the commands of this program.")]
internal sealed class SetupException : Exception
{
    /// <summary>Says what was tried, on what, how it failed, and what to do.</summary>
    public SetupException(
        string what, string @object, Errno errno, string remedy, int exitStatus = ExitStatus.Setup)
        : base($"{what} {@object}: {errno.Describe()}" + (remedy.Length == 0 ? "" : $"; {remedy}"))
        => Status = exitStatus;

    /// <summary>Says all of it in words.</summary>
    public SetupException(string message)
        : base(message) => Status = ExitStatus.Setup;

    /// <summary>What the program exits with.</summary>
    public int Status { get; }
}

/// <summary>The statuses of the program's own: the rest are the command's.</summary>
internal static class ExitStatus
{
    public const int Usage = 2;
    public const int TimedOut = 124;
    public const int Setup = 125;
    public const int NotExecutable = 126;
    public const int NotFound = 127;
    public const int SignalBase = 128;
}
