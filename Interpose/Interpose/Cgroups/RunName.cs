using System;
using System.Globalization;
using Interpose.Placement;

namespace Interpose.Cgroups;

/// <summary>
/// Whom a group was made by: a process, and when that began, in ticks since boot, which no other
/// process of this id has.
/// </summary>
/// <param name="Pid">The supervisor.</param>
/// <param name="Start">starttime of proc_pid_stat(5).</param>
public readonly record struct RunName(int Pid, long Start)
{
    internal const string Aside = ".supervisor";

    private const string Prefix = "sandbox-";

    /// <summary>The name for groups of this process.</summary>
    public static RunName Own => new(
        Environment.ProcessId, ProcessStat.Of(Environment.ProcessId)?.Start ?? 0);

    /// <summary>Whether that process is there and has not ended.</summary>
    public bool IsAlive =>
        ProcessStat.Of(Pid) is { HasEnded: false } process && process.Start == Start;

    /// <summary>Reads the name of a group, or of what a supervisor moved into.</summary>
    /// <param name="name">One component of a path.</param>
    /// <param name="run">Whose it is.</param>
    /// <returns>Whether it is exactly as this program writes it.</returns>
    public static bool TryParse(string name, out RunName run)
    {
        run = default;
        string bare = name.EndsWith(Aside, StringComparison.Ordinal)
            ? name[..^Aside.Length] : name;
        string[] parts = bare.StartsWith(Prefix, StringComparison.Ordinal)
            ? bare[Prefix.Length..].Split('-') : [];
        if (parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
            && long.TryParse(
                parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long start))
        {
            run = new(pid, start);
        }

        return run.Pid > 0 && run.Start > 0 && run.ToString() == bare;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Pid}-{Start}");
}
