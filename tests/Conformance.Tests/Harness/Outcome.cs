using System;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading.Tasks;

namespace Conformance.Harness;

/// <summary>What a command came to: its bytes as Latin-1, so that none is lost.</summary>
internal sealed record Outcome(int Status, string Out, string Err)
{
    public override string ToString() => $"status {Status}\n--- out\n{Out}--- err\n{Err}";
}

/// <summary>Runs commands with a time-out; on expiry kills the tree that it started.</summary>
internal static class Shell
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    public static Outcome Run(string directory, string? input, params string[] command)
    {
        using Process process = Start(directory, command);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            process.StandardInput.Write(input ?? string.Empty);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The command did not read its input; that is its own affair.
        }

        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"no end after {Patience}: {string.Join(' ', command)}");
        }

        Task.WaitAll([output, error], Patience);
        return new(process.ExitCode, output.Result, error.Result);
    }

    public static Process Start(string directory, params string[] command)
    {
        var start = new ProcessStartInfo(command[0])
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.Latin1,
            StandardErrorEncoding = Encoding.Latin1,
        };
        foreach (string argument in command.AsSpan(1))
        {
            start.ArgumentList.Add(argument);
        }

        // What the test runner itself needs is not part of a guest's world.
        foreach (string name in new[] { "MSBuildSDKsPath", "MSBUILD_EXE_PATH", "MSBuildExtensionsPath" })
        {
            start.Environment.Remove(name);
        }

        return Process.Start(start) ?? throw new InvalidOperationException(command[0]);
    }
}
