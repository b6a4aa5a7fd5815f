using System.CommandLine;
using System.CommandLine.Parsing;
using Interpose.Launch;

namespace Sandbox.Commands;

/// <summary>The commands of the program.</summary>
internal static class CommandLine
{
    /// <summary>Parses and runs; gives the exit status.</summary>
    public static int Invoke(string[] args)
    {
        var root = new RootCommand(
            "Runs a program in a sandbox that re-implements process creation: every fork, vfork, "
            + "clone and clone3 is validated, staged and only then committed.");
        var run = new RunCommand();
        root.Add(run.Command);
        if (args.Length == 0)
        {
            args = ["--help"];
        }

        bool runs = args[0] == run.Command.Name;
        ParseResult parsed = root.Parse(runs ? CommandSplit.Mark(run.Command, args) : args);
        if (!IsRun(parsed, run))
        {
            StartState.UnblockSignals();
        }

        if (parsed.Errors.Count == 0)
        {
            return parsed.Invoke();
        }

        foreach (ParseError error in parsed.Errors)
        {
            HostProcess.WriteError($"sandbox: {error.Message}\n");
        }

        HostProcess.WriteError($"sandbox: try 'sandbox {(runs ? "run " : "")}--help'\n");
        return ExitStatus.Usage;
    }

    private static bool IsRun(ParseResult parsed, RunCommand run) =>
        parsed.Errors.Count == 0 && parsed.CommandResult.Command == run.Command
        && parsed.Action == run.Command.Action;
}
