using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Completions;
using Policies;
using Policies.Files;

namespace Sandbox.Commands;

/// <summary>The options that choose a policy, the same for every command that uses one.</summary>
internal sealed class PolicyOptions
{
    public PolicyOptions() => Policy.CompletionSources.Add(
        _ => [.. Completions()]);

    public Option<string[]> Policy { get; } = new("--policy", "-p")
    {
        Description = "Policy: the name of one that ships, or a file; several lie over one another "
            + "[default: default]",
        HelpName = "NAME|FILE",
        CustomParser = SeveralValues.Words,
    };

    public Option<string[]> Set { get; } = new("--set")
    {
        Description = "Set one key of the policy, such as creation.limits.tasks=50",
        HelpName = "KEY=VALUE",
        CustomParser = SeveralValues.Words,
    };

    /// <summary>Loads what was asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="options">What other options lay over it.</param>
    public LoadedPolicy Load(ParseResult parsed, IReadOnlyList<PolicyOption>? options = null)
    {
        string[] names = parsed.GetAll(Policy) is { Length: > 0 } given
            ? given : [BuiltinPolicies.Default];
        return PolicyLoader.Load(names, parsed.GetAll(Set), options);
    }

    private static IEnumerable<CompletionItem> Completions()
    {
        foreach (string name in BuiltinPolicies.Names)
        {
            yield return new CompletionItem(name);
        }
    }
}
