using System.CommandLine;
using Interpose.Launch;
using Policies.Files;
using Sandbox.Explain;

namespace Sandbox.Commands;

/// <summary><c>sandbox explain</c>: the verdict on one call, stage by stage.</summary>
internal sealed class ExplainCommand
{
    private readonly PolicyOptions _policy = new();

    private readonly Argument<string> _call = new("CALL")
    {
        Description = "A call such as 'clone3(CLONE_NEWUSER|CLONE_VM, exit_signal=SIGCHLD)'; "
            + "also fork, vfork, clone, unshare and setns",
    };

    public ExplainCommand()
    {
        Command = new Command(
            "explain",
            "Say what a policy and the kernel's rules make of a call; exit status 0 when it is "
                + "allowed, 1 when not")
        {
            _policy.Policy, _policy.Set, _call,
        };
        Command.SetAction(Invoke);
    }

    public Command Command { get; }

    private int Invoke(ParseResult parsed)
    {
        LoadedPolicy loaded = _policy.Load(parsed);
        if (loaded.Policy is not { } policy)
        {
            return PolicyCommand.Refuse(loaded);
        }

        string text = parsed.GetValue(_call) ?? string.Empty;
        if (CallText.Parse(text, out CallTextError? error) is not { } call)
        {
            HostProcess.WriteError(
                $"sandbox: CALL:1:{error!.Column}: {error.Message}\n");
            return ExitStatus.Usage;
        }

        Explanation explanation = Explanation.Of(call, policy);
        HostProcess.WriteOut(explanation.ToString());
        return explanation.Allowed ? 0 : 1;
    }
}
