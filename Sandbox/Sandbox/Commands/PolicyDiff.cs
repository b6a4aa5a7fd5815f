using System.Collections.Generic;
using System.CommandLine;
using System.Text;
using Interpose.Launch;
using Policies;
using Policies.Files;

namespace Sandbox.Commands;

/// <summary>
/// <c>sandbox policy diff</c>: what each of two policies allows beyond the other.
/// </summary>
internal sealed class PolicyDiff
{
    private readonly Argument<string> _first = new("A")
    {
        Description = "A policy that ships, or a file",
    };

    private readonly Argument<string> _second = new("B")
    {
        Description = "Another",
    };

    public PolicyDiff()
    {
        Command = new Command(
            "diff", "Say what B allows that A does not, and back, as far as the policies tell")
        {
            _first, _second,
        };
        Command.SetAction(Invoke);
    }

    public Command Command { get; }

    private int Invoke(ParseResult parsed)
    {
        LoadedPolicy first = PolicyLoader.Load([parsed.GetValue(_first) ?? string.Empty], []);
        LoadedPolicy second = PolicyLoader.Load([parsed.GetValue(_second) ?? string.Empty], []);
        if (first.Policy is not { } a || second.Policy is not { } b)
        {
            PolicyCommand.Refuse(first);
            return PolicyCommand.Refuse(second);
        }

        var text = new StringBuilder();
        Tell(text, a, b);
        Tell(text, b, a);
        return HostProcess.WriteOut(text.ToString()) ? 0 : ExitStatus.Setup;
    }

    private static void Tell(StringBuilder text, Policy narrow, Policy wide)
    {
        IReadOnlyList<string> beyond = PolicyDifference.Beyond(narrow, wide);
        string name = OneLine.Of(wide.Name);
        text.Append(beyond.Count == 0 ? $"{name} allows nothing that {OneLine.Of(narrow.Name)} "
            + "does not\n" : $"{name} allows, and {OneLine.Of(narrow.Name)} does not:\n");
        foreach (string line in beyond)
        {
            text.Append("  ").Append(line).Append('\n');
        }
    }
}
