using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Completions;
using System.Globalization;
using Interpose.Launch;
using Sandbox.Runs;

namespace Sandbox.Commands;

/// <summary><c>sandbox kill RUN</c>: the end of a run, from outside.</summary>
internal sealed class KillCommand
{
    private readonly Argument<int> _id = new("RUN")
    {
        Description = "The run as 'sandbox ps' names it: the process id of its supervisor",
    };

    public KillCommand()
    {
        _id.Validators.Add(result =>
        {
            if (!int.TryParse(result.Tokens[0].Value, out int id) || id <= 0)
            {
                result.AddError(
                    $"RUN is a number that 'sandbox ps' lists, not '{result.Tokens[0].Value}'");
            }
        });
        _id.CompletionSources.Add(static _ => Completions());
        Command = new Command(
            "kill",
            "End a run: SIGTERM to each of its processes, SIGKILL after 2 s, and where its "
                + "supervisor does not answer the end of that and of all with it; exit status 0 "
                + "when nothing of it is left, 1 when there is no such run or it is not yours")
        {
            _id,
        };
        Command.SetAction(Invoke);
    }

    public Command Command { get; }

    private static List<CompletionItem> Completions()
    {
        var ids = new List<CompletionItem>();
        foreach (RunningRun run in RunFinder.Find())
        {
            ids.Add(new(run.Supervisor.Pid.ToString(CultureInfo.InvariantCulture)));
        }

        return ids;
    }

    private int Invoke(ParseResult parsed)
    {
        int id = parsed.GetValue(_id);
        EndedHow how = RunEnding.End(id);
        string? problem = how switch
        {
            EndedHow.NoRun => $"there is no run {id}; 'sandbox ps' lists them",
            EndedHow.NotPermitted =>
                $"run {id} is another user's: 'sandbox kill' it as that user, or as root",
            EndedHow.Left => $"not all of run {id} has ended; 'sandbox ps --tree' shows the rest",
            _ => null,
        };
        if (problem is not null)
        {
            HostProcess.WriteError($"sandbox: {problem}\n");
            return 1;
        }

        HostProcess.WriteOut(how == EndedHow.Ended ? $"run {id} has ended\n"
            : $"run {id} was killed: its supervisor did not answer\n");
        return 0;
    }
}
