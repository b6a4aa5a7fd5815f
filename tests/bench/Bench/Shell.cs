using System;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;

namespace Bench;

/// <summary>Runs commands, each for a bounded time.</summary>
internal static class Shell
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Runs a command; gives its status and what it wrote.</summary>
    public static (int Status, string Out, string Err) Run(
        string directory, params string[] command)
    {
        var start = new ProcessStartInfo(command[0])
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in command.AsSpan(1))
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            return (-1, "", $"no end after {Patience}");
        }

        return (process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Runs a command that must succeed; gives its standard output.</summary>
    public static string Must(string directory, params string[] command)
    {
        (int status, string output, string error) = Run(directory, command);
        return status == 0 ? output : throw new InvalidOperationException(
            $"{string.Join(' ', command)}: status {status}\n{error}");
    }

    /// <summary>Whether a program is installed.</summary>
    public static bool Has(string program)
    {
        foreach (string directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
        {
            if (File.Exists(Path.Combine(directory, program)))
            {
                return true;
            }
        }

        return false;
    }
}
