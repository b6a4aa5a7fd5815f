using System;
using System.Collections.Generic;
using System.IO;
using Interpose.Abi;
using Interpose.Files;
using Interpose.Launch;

namespace Sandbox.Changes;

/// <summary>What became of a directory that a killed run with <c>--commit</c> has left.</summary>
internal enum LeftFate
{
    /// <summary>It was removed, or would be.</summary>
    Removed,

    /// <summary>It is needed to finish a commit.</summary>
    Unfinished,

    /// <summary>It could not be removed.</summary>
    Kept,
}

/// <summary>
/// The directories in which runs with <c>--commit</c>, and without <c>--keep</c>, keep their
/// changes meanwhile, where neither the run nor its helper lives any more.
/// </summary>
/// <remarks>
/// Anybody could have made one. So nothing is applied that is found in it; it is removed, where
/// it is the caller's own.
/// </remarks>
internal static class LeftPlaces
{
    /// <summary>How long the part of a name is that tells it from others.</summary>
    private const int Digits = 32;

    /// <summary>Removes them.</summary>
    /// <param name="dryRun">Whether they are only listed.</param>
    public static List<(string Path, LeftFate Fate, string Why)> Collect(bool dryRun)
    {
        var found = new List<(string, LeftFate, string)>();
        var seen = new HashSet<string>();
        foreach (string place in KeepingPlace.Places())
        {
            foreach (string path in seen.Add(place) ? Below(place) : [])
            {
                if (Judge(path, dryRun) is { } fate)
                {
                    found.Add((path, fate.Fate, fate.Why));
                }
            }
        }

        return found;
    }

    private static string[] Below(string place)
    {
        try
        {
            // In a pattern a '?' at the end would also stand for nothing.
            return Array.FindAll(
                Directory.GetDirectories(place, KeepingPlace.Prefix + "*"),
                static p => Path.GetFileName(p).Length == KeepingPlace.Prefix.Length + Digits);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Null for one that is in use, of another user, or none.</summary>
    private static (LeftFate Fate, string Why)? Judge(string path, bool dryRun)
    {
        try
        {
            using KeptChanges kept = KeptChanges.Open(path, alone: true);
            if (kept.IsUnfinished)
            {
                return (LeftFate.Unfinished, string.Empty);
            }

            if (!dryRun)
            {
                kept.Empty();
                HostProcess.RemoveDirectory(kept.Path);
            }

            return (LeftFate.Removed, string.Empty);
        }
        catch (FileFailure e) when (e.Errno == Errno.EACCES
            && e.Path.EndsWith(Path.GetFileName(path), StringComparison.Ordinal))
        {
            // Nobody shuts himself out: it is another user's.
            return null;
        }
        catch (FileFailure e)
        {
            return (LeftFate.Kept, e.Message);
        }
        catch (SetupException)
        {
            return null;
        }
    }
}
