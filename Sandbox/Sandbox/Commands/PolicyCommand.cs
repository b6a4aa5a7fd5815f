using System.Collections.Generic;
using System.CommandLine;
using System.Text;
using Interpose.Launch;
using Policies;
using Policies.Files;
using Sandbox.Kernel.Seccomp;

namespace Sandbox.Commands;

/// <summary><c>sandbox policy</c>: list, show, check, diff and schema.</summary>
internal sealed class PolicyCommand
{
    private readonly Argument<string[]> _shown = new("NAME|FILE")
    {
        Description = "Policies that ship, or files; several lie over one another",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Argument<string[]> _checked = new("FILE")
    {
        Description = "Policies to check, each by itself",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string[]> _set = new PolicyOptions().Set;

    private readonly Option<bool> _filter = new("--filter")
    {
        Description = "Show the seccomp filter that is compiled from it instead",
    };

    private readonly Option<bool> _observed = new("--observed")
    {
        Description = "With --filter: that of a run which reports denials",
    };

    public PolicyCommand()
    {
        var list = new Command("list", "List the policies that ship");
        list.SetAction(_ => List());
        var show = new Command("show", "Show a policy resolved, each value with where it was set")
        {
            _shown, _set, _filter, _observed,
        };
        show.SetAction(Show);
        var check = new Command("check", "Report every error of policy files; exit status 1 when "
            + "there is any")
        {
            _checked,
        };
        check.SetAction(Check);
        var schema = new Command("schema", "Print the JSON Schema of policies");
        schema.SetAction(_ => Print(PolicySchema.Write()));
        Command = new Command("policy", "List, show, check and compare policies")
        {
            list, show, check, new PolicyDiff().Command, schema,
        };
    }

    public Command Command { get; }

    /// <summary>Writes all that is wrong with a policy to standard error.</summary>
    public static int Refuse(LoadedPolicy loaded)
    {
        foreach (PolicyProblem problem in loaded.Problems)
        {
            HostProcess.WriteError($"sandbox: {problem}\n");
        }

        return ExitStatus.Usage;
    }

    private static int List()
    {
        var text = new StringBuilder();
        foreach (string name in BuiltinPolicies.Names)
        {
            BuiltinPolicies.Get(name).Values.TryGetValue("description", out Sourced<string> about);
            text.Append($"{name,-12} {about.Value}\n");
        }

        return Print(text.ToString());
    }

    private int Show(ParseResult parsed)
    {
        LoadedPolicy loaded = PolicyLoader.Load(
            parsed.GetValue(_shown) ?? [], parsed.GetValue(_set) ?? []);
        if (loaded.Policy is not { } policy)
        {
            return Refuse(loaded);
        }

        bool observed = parsed.GetValue(_observed);
        return Print(!parsed.GetValue(_filter) ? PolicyListing.Write(policy)
            : FilterListing.Write(
                CreationFilter.Compile(policy, FilterOptions.For(policy, observed))));
    }

    private int Check(ParseResult parsed)
    {
        bool wrong = false;
        foreach (string file in parsed.GetValue(_checked) ?? [])
        {
            LoadedPolicy loaded = PolicyLoader.Load([file], []);
            var text = new StringBuilder();
            foreach (PolicyProblem problem in loaded.Problems)
            {
                text.Append($"{problem}\n");
            }

            IReadOnlyList<PolicyProblem> warnings =
                loaded.Policy is { } policy ? PolicyLint.Check(policy) : [];
            foreach (PolicyProblem warning in warnings)
            {
                text.Append($"{warning.Origin}: warning: {warning.Message}\n");
            }

            wrong |= loaded.Policy is null;
            HostProcess.WriteError(text.ToString());
        }

        return wrong ? 1 : 0;
    }

    private static int Print(string text) => HostProcess.WriteOut(text) ? 0 : ExitStatus.Setup;
}
