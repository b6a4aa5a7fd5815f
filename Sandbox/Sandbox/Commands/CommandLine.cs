using System.CommandLine;
using System.CommandLine.Help;
using System.Linq;
using Interpose.Launch;

namespace Sandbox.Commands;

/// <summary>The commands of the program.</summary>
internal static class CommandLine
{
    /// <summary>Parses and runs; gives the exit status.</summary>
    public static int Invoke(string[] args)
    {
        var run = new RunCommand();
        if (args.Length == 0)
        {
            args = ["--help"];
        }

        bool runs = args[0] == run.Command.Name;
        Command root = runs ? OnlyRun(run) : All(run);
        string? unknown = null;
        if (runs)
        {
            args = CommandSplit.Mark([.. run.Command.Options, .. root.Options], args, out unknown);
        }

        if (unknown is not null)
        {
            return Usage($"there is no option '{unknown}'", runs);
        }

        ParseResult parsed = root.Parse(args);
        if (!IsRun(parsed, run))
        {
            StartState.UnblockSignals();
        }

        if (parsed.Errors.Count == 0)
        {
            return parsed.Invoke();
        }

        string problems = string.Join("\nsandbox: ", parsed.Errors.Select(error => error.Message));
        return Usage(problems, runs);
    }

    private static RootCommand All(RunCommand run) => new(
        "Runs a program in a sandbox that re-implements process creation: every fork, vfork, "
        + "clone and clone3 is validated, staged and only then committed.")
    {
        run.Command, new PolicyCommand().Command, new ExplainCommand().Command,
        new DoctorCommand().Command, new ChangeCommands().Changes, new ChangeCommands().Commit,
        new PsCommand(run).Command, new KillCommand().Command, new GcCommand().Command,
    };

    /// <summary>
    /// What a run needs. A <see cref="RootCommand"/> finds its name, and the texts of its options,
    /// by reflection, which a start-up can do without.
    /// </summary>
    private static Command OnlyRun(RunCommand run) => new("sandbox")
    {
        new Option<bool>("--help", "-h", "/h", "-?", "/?")
        {
            Description = "Show help and usage information",
            Recursive = true,
            Arity = ArgumentArity.Zero,
            Action = new HelpAction(),
        },
        run.Command,
    };

    private static int Usage(string problem, bool runs)
    {
        HostProcess.WriteError(
            $"sandbox: {problem}\nsandbox: try 'sandbox {(runs ? "run " : "")}--help'\n");
        return ExitStatus.Usage;
    }

    private static bool IsRun(ParseResult parsed, RunCommand run) =>
        parsed.Errors.Count == 0 && parsed.CommandResult.Command == run.Command
        && parsed.Action == run.Command.Action;
}
