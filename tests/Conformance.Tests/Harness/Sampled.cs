using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;

namespace Conformance.Harness;

/// <summary>A command that was watched while it ran: its descriptors and resident memory.</summary>
/// <param name="Outcome">What it came to.</param>
/// <param name="Memory">Resident memory in KiB, of each sample.</param>
/// <param name="Descriptors">Open descriptors; none where the process is closed to us.</param>
internal sealed record Sampled(Outcome Outcome, int[] Memory, int[] Descriptors)
{
    private const int EveryMilliseconds = 50;
    private const int MostMemory = 64 << 10;
    private const int MostGrowth = 8 << 10;
    private const int MostDescriptors = 16;

    /// <summary>Samples before these belong to the start.</summary>
    private const int Starting = 4;

    /// <summary>How much more memory the second half of the samples shows.</summary>
    public int Growth => Memory.Length < 2 * Starting ? 0
        : Memory[(Memory.Length / 2)..].Max() - Memory[Starting..(Memory.Length / 2 + 1)].Max();

    /// <summary>Fails where it did not stay small, or grew while it ran.</summary>
    public void AssertFlat(string told)
    {
        Assert.All(Memory, m => Assert.InRange(m, 1, MostMemory));
        Assert.All(Descriptors, d => Assert.InRange(d, 0, MostDescriptors));
        Assert.True(Growth < MostGrowth, $"grew by {Growth} KiB: {told}");
    }

    public static Sampled Run(string directory, TimeSpan patience, params string[] command) =>
        Run(directory, patience, static _ => { }, command);

    /// <summary>The same, with something done to the process once it runs.</summary>
    public static Sampled Run(
        string directory, TimeSpan patience, Action<int> begun, params string[] command)
    {
        using Process process = Shell.Start(directory, command);
        begun(process.Id);
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        List<int> memory = [], descriptors = [];
        var clock = Stopwatch.StartNew();
        while (!process.WaitForExit(EveryMilliseconds))
        {
            Sample(process.Id, memory, descriptors);
            if (clock.Elapsed > patience)
            {
                process.Kill(entireProcessTree: true);
                Assert.Fail($"no end after {patience}: {string.Join(' ', command)}");
            }
        }

        Task.WaitAll([output, error], Shell.Patience);
        return new(
            new(process.ExitCode, output.Result, error.Result), [.. memory], [.. descriptors]);
    }

    private static void Sample(
        int pid, List<int> memory,
        List<int> descriptors)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{pid}/status")
                .FirstOrDefault(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            if (line is null)
            {
                // It has ended, and has no memory any more.
                return;
            }

            memory.Add(int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2],
                System.Globalization.CultureInfo.InvariantCulture));
            descriptors.Add(Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd").Count());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone between two reads, or the supervisor's descriptors are root's alone to see.
        }
    }
}
