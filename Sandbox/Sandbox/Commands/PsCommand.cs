using System.CommandLine;
using Interpose.Launch;
using Policies;
using Sandbox.Runs;

namespace Sandbox.Commands;

/// <summary><c>sandbox ps</c>: the runs on this host.</summary>
internal sealed class PsCommand
{
    private readonly RunCommand _run;

    private readonly Option<bool> _json = new("--json")
    {
        Description = "Write one JSON object, with the processes of each run",
    };

    private readonly Option<bool> _tree = new("--tree", "-t")
    {
        Description = "Show the processes of each run, each below its parent, with its stage: "
            + "running, creating (it stands at the creation of a task), stopped, held, ended",
    };

    public PsCommand(RunCommand run)
    {
        _run = run;
        Command = new Command("ps", "List the runs on this host, with what they use")
        {
            _json, _tree,
        };
        Command.SetAction(Invoke);
    }

    public Command Command { get; }

    private int Invoke(ParseResult parsed)
    {
        string text = parsed.GetValue(_json) ? RunListText.Json(RunFinder.Find(), Read)
            : RunListText.Table(RunFinder.Find(), Read, parsed.GetValue(_tree));
        return HostProcess.WriteOut(text) ? 0 : ExitStatus.Setup;
    }

    /// <summary>What the words of a run say of its policy and command.</summary>
    private (string Policy, string Command) Read(RunningRun run)
    {
        string[] words = CommandSplit.Mark(
            [.. _run.Command.Options], run.Arguments, out string? unknown);
        ParseResult parsed = _run.Command.Parse(words[1..]);
        if (unknown is not null || parsed.Errors.Count > 0)
        {
            return ("?", string.Join(' ', run.Arguments[1..]));
        }

        string policies = string.Join(' ', parsed.GetAll(_run.Policy.Policy));
        return (
            policies.Length > 0 ? policies : BuiltinPolicies.Default,
            string.Join(' ', parsed.GetValue(_run.Words) ?? []));
    }
}
