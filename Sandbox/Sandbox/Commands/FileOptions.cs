using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using Policies;
using Policies.Files;

namespace Sandbox.Commands;

/// <summary>
/// The options of <c>run</c> for files and the network: a last layer over the policy.
/// </summary>
internal sealed class FileOptions
{
    private const string Paths = "filesystem.paths";

    public Option<string[]> ReadOnly { get; } = NewPath("--ro", "Let the command read a path");

    public Option<string[]> ReadWrite { get; } =
        NewPath("--rw", "Let the command read and write a path");

    public Option<string[]> Hide { get; } = NewPath("--hide", "Hide a path from the command");

    public Option<string[]> CopyOnWrite { get; } =
        NewPath("--cow", "Let the command write to a copy of a path; see --keep and --commit");

    public Option<bool> Net { get; } = new("--net")
    {
        Description = "Let the command use the host's network",
    };

    /// <summary>What was asked for, as settings of keys.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="problems">Gets what is wrong with it.</param>
    public List<PolicyOption> Read(ParseResult parsed, ICollection<string> problems)
    {
        var options = new List<PolicyOption>();
        if (parsed.GetValue(Net))
        {
            options.Add(new(Net.Name, 1, "isolation.network", null, "host"));
        }

        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (Option<string[]> option in (Option<string[]>[])
            [ReadOnly, ReadWrite, Hide, CopyOnWrite])
        {
            string[] paths = parsed.GetAll(option);
            for (int i = 0; i < paths.Length; i++)
            {
                string? pattern = PatternOf(
                    paths[i], Directory.GetCurrentDirectory, out string? problem);
                if (pattern is null)
                {
                    problems.Add($"{option.Name}: the path '{OneLine.Of(paths[i])}' {problem}");
                }
                else if (!known.TryAdd(pattern, option.Name) && known[pattern] != option.Name)
                {
                    problems.Add($"{option.Name} {OneLine.Of(paths[i])}: the same path is given "
                        + $"with {known[pattern]}");
                }
                else
                {
                    options.Add(new(option.Name, i + 1, Paths, pattern, option.Name[2..]));
                }
            }
        }

        return options;
    }

    /// <summary>
    /// The pattern for one path of the caller's: relative ones start from its directory. Of
    /// <c>..</c> only leading ones can be worked out without a look at the files, for "a/.." is
    /// elsewhere when a is a symbolic link.
    /// </summary>
    /// <param name="path">As given.</param>
    /// <param name="directory">Tells the caller's directory; as getcwd(3) without links.</param>
    /// <param name="problem">What is wrong, to follow the path in a sentence.</param>
    public static string? PatternOf(string path, Func<string> directory, out string? problem)
    {
        // A name that is no UTF-8 came here with another character in its place.
        problem = path.Length == 0 ? "is empty"
            : path.Contains('\uFFFD', StringComparison.Ordinal) ? "is no UTF-8" : null;
        if (problem is not null)
        {
            return null;
        }

        string rest = path;
        string start = string.Empty;
        if (path[0] != '/')
        {
            try
            {
                start = directory();
            }
            catch (IOException)
            {
                problem = "is relative to a directory that is gone";
                return null;
            }

            while (rest is ".." or "." || rest.StartsWith("../", StringComparison.Ordinal)
                || rest.StartsWith("./", StringComparison.Ordinal))
            {
                bool up = rest.StartsWith("..", StringComparison.Ordinal);
                start = up ? Path.GetDirectoryName(start) ?? "/" : start;
                int slash = rest.IndexOf('/', StringComparison.Ordinal);
                rest = slash < 0 ? string.Empty : rest[(slash + 1)..].TrimStart('/');
            }
        }

        return FilePattern.Normalise(FilePattern.Quote($"{start}/{rest}"), out problem);
    }

    private static Option<string[]> NewPath(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "PATH",
        CustomParser = SeveralValues.Words,
    };
}
