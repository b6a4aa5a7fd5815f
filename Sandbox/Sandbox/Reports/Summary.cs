using System.Globalization;
using System.Text;
using Policies;
using Sandbox.Kernel;
using Sandbox.Kernel.Fork;
using Sandbox.Supervisor;

namespace Sandbox.Reports;

/// <summary>The table at the end of a run, for people.</summary>
internal static class Summary
{
    private const int MostDenials = 10;

    /// <summary>
    /// Tasks by entry point and time by stage, each line with the program's prefix.
    /// </summary>
    public static string Render(RunOutcome outcome)
    {
        RunStatistics numbers = outcome.Statistics;
        var text = new StringBuilder();
        Line(text, $"{"entry",-10}{"created",9}{"denied",9}{"unwound",9}");
        for (int i = 0; i < EntryPointNames.Count; i++)
        {
            if (numbers.Created[i] + numbers.Denied[i] + numbers.Unwound[i] > 0)
            {
                Line(text, $"{((EntryPoint)i).Name(),-10}{numbers.Created[i],9}"
                    + $"{numbers.Denied[i],9}{numbers.Unwound[i],9}");
            }
        }

        Line(text, $"{"total",-10}{numbers.TotalCreated,9}{numbers.TotalDenied,9}"
            + $"{numbers.TotalUnwound,9}   at most {numbers.Peak} at once");
        Line(text, $"{"stage",-10}{"count",9}{"p50 us",9}{"p99 us",9}{"sum ms",9}");
        for (int i = 0; i < numbers.Stages.Length; i++)
        {
            Latency stage = numbers.Stages[i];
            Line(text, $"{ResultFile.StageLabel((StageName)i),-10}{stage.Count,9}"
                + $"{Micro(stage.Quantile(0.5)),9}{Micro(stage.Quantile(0.99)),9}"
                + $"{Milli(stage.Total),9}");
        }

        Line(text, $"wall {Milli(numbers.WallNanoseconds)} ms, cpu of guests "
            + $"{Milli(numbers.CpuNanoseconds)} ms, exit status {outcome.ExitCode}");
        return text.ToString();
    }

    /// <summary>What was denied and the smallest change that would allow it.</summary>
    public static string RenderDenials(RunStatistics numbers)
    {
        var text = new StringBuilder();
        for (int i = 0; i < numbers.Denials.Count && i < MostDenials; i++)
        {
            Denial denial = numbers.Denials[i];
            Refusal why = denial.Cause.Refusal;
            string program = OneLine.Of(denial.Cause.Program ?? "?");
            Line(text, $"denied {denial.Count} x {denial.What} of {program}: "
                + $"{why.Errno}, {why.Rule} at {why.Origin}");
            Line(text, denial.Edit is { Count: > 0 } edit
                ? $"  to allow it: --set {string.Join(" --set ", edit)}"
                : why.By == RefusedBy.Limit ? $"  to allow it: raise {why.Rule}"
                : "  to allow it: take the flag that clashes out of creation.require");
        }

        long more = numbers.OtherDenials;
        for (int i = MostDenials; i < numbers.Denials.Count; i++)
        {
            more += numbers.Denials[i].Count;
        }

        if (more > 0)
        {
            Line(text, $"denied {more} more, of other causes; --result has them");
        }

        return text.ToString();
    }

    private static void Line(StringBuilder text, string line) =>
        text.Append("sandbox: ").AppendLine(line);

    private static string Micro(long nanoseconds) =>
        (nanoseconds / 1e3).ToString("F1", CultureInfo.InvariantCulture);

    private static string Milli(long nanoseconds) =>
        (nanoseconds / 1e6).ToString("F1", CultureInfo.InvariantCulture);
}
