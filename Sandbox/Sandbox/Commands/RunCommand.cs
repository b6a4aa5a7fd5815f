using System.CommandLine;
using Sandbox.Reports;
using Serilog.Events;

namespace Sandbox.Commands;

/// <summary><c>sandbox run</c>: its options as the command line has them.</summary>
internal sealed class RunCommand
{
    /// <summary>What the contract names and this version does not enforce.</summary>
    private static readonly (string Name, bool TakesValue)[] NotYet =
    [
        ("--inputs", true), ("--outputs", true),
    ];

    public RunCommand()
    {
        Command = new Command("run", "Run a program under a policy")
        {
            Policy.Policy, Policy.Set, Files.ReadOnly, Files.ReadWrite, Files.Hide,
            Files.CopyOnWrite, Files.Net, Keep, Commit, Engine, Events, Result, Timeout,
            ChangeDirectory, Env,
            ClearEnv, Descriptors, WaitForAll, Summary, Verify, Verbose, Quiet, LogFormat,
            FailStep, FailLaunchStep, LoseStop, Words,
        };
        foreach ((string name, bool takesValue) in NotYet)
        {
            AddRefused(name, takesValue);
        }

        Command.SetAction(parsed => RunAction.Invoke(this, parsed));
    }

    public Command Command { get; }

    public PolicyOptions Policy { get; } = new();

    public FileOptions Files { get; } = new();

    public Option<string> Keep { get; } = new("--keep")
    {
        Description = "Keep what the command writes to copies in this directory",
        HelpName = "DIR",
    };

    public Option<bool> Commit { get; } = new("--commit")
    {
        Description = "When the command succeeds, apply what it wrote to copies to the real files",
    };

    public Option<string> Engine { get; } = new("--engine")
    {
        Description = "How guests are observed: ptrace",
        HelpName = "ptrace",
    };

    public Option<string> Events { get; } = new("--events")
    {
        Description = "Write creations, denials, execs and exits as NDJSON; - is standard error",
        HelpName = "FILE",
    };

    public Option<string> Result { get; } = new("--result")
    {
        Description = "Write the outcome as one JSON object",
        HelpName = "FILE",
    };

    public Option<string> Timeout { get; } = new("--timeout")
    {
        Description = "End the run after this time (ms, s, m, h); exit status 124",
        HelpName = "DURATION",
    };

    public Option<string> ChangeDirectory { get; } = new("--chdir")
    {
        Description = "Start the command in this directory",
        HelpName = "DIR",
    };

    public Option<string[]> Env { get; } = new("--env")
    {
        Description = "Set a variable of the command's environment",
        HelpName = "K=V",
        CustomParser = SeveralValues.Words,
    };

    public Option<bool> ClearEnv { get; } = new("--clear-env")
    {
        Description = "Start with an empty environment",
    };

    public Option<int[]> Descriptors { get; } = new("--fd")
    {
        Description = "Let a descriptor through besides 0, 1 and 2",
        HelpName = "N",
    };

    public Option<bool> WaitForAll { get; } = new("--wait")
    {
        Description = "Wait for what the command leaves running instead of killing it",
    };

    public Option<bool> Summary { get; } = new("--summary")
    {
        Description = "At the end print tasks by entry point and time by stage",
    };

    public Option<bool> Verify { get; } = new("--verify")
    {
        Description = "Check each new task against the kernel's own view (slower)",
    };

    public Option<bool> Verbose { get; } = new("-v")
    {
        Description = "Say each creation and exec, and print the summary",
    };

    public Option<bool> Quiet { get; } = new("-q")
    {
        Description = "Say nothing but errors",
    };

    public Option<string> LogFormat { get; } = new("--log-format")
    {
        Description = "How the sandbox's own words are written: text or json",
        HelpName = "text|json",
    };

    public Option<string> FailStep { get; } = new("--fail-step")
    {
        Description = "For tests: fail step N of each creation with ERRNO",
        HelpName = "N:ERRNO",
        Hidden = true,
    };

    public Option<string> FailLaunchStep { get; } = new("--fail-launch-step")
    {
        Description = "For tests: fail step N of the launch with ERRNO",
        HelpName = "N:ERRNO",
        Hidden = true,
    };

    public Option<int> LoseStop { get; } = new("--lose-stop")
    {
        Description = "For tests: do not resume the Nth stop",
        HelpName = "N",
        Hidden = true,
    };

    public Argument<string[]> Words { get; } = new("COMMAND")
    {
        Description = "The program and its arguments; everything after it is its own",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = SeveralValues.Words,
    };

    /// <summary>The program's own words, as asked for.</summary>
    public Log NewLog(ParseResult parsed) => new(
        parsed.GetValue(Verbose) ? LogEventLevel.Debug
            : parsed.GetValue(Quiet) ? LogEventLevel.Error : LogEventLevel.Information,
        parsed.GetValue(LogFormat) == "json");

    /// <summary>An option of the contract is refused by name, never taken in silence.</summary>
    private void AddRefused(string name, bool takesValue)
    {
        Option option = takesValue ? new Option<string[]>(name) : new Option<bool>(name);
        option.Hidden = true;
        option.Validators.Add(result =>
        {
            if (!result.Implicit)
            {
                result.AddError($"{name} is not enforced by this version; nothing was started");
            }
        });
        Command.Add(option);
    }
}
