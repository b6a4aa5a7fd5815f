using System.Collections.Generic;

namespace Policies.Files;

/// <summary>Finds keys that are right by themselves and cannot be had together.</summary>
internal static class PolicyFit
{
    /// <summary>Adds what does not fit, in the order of the model's keys.</summary>
    /// <param name="policy">The policy, all layers laid.</param>
    /// <param name="network">A net namespace that is asked for beside the host's network.</param>
    /// <param name="problems">Gets what is wrong.</param>
    public static void Check(
        Policy policy, (Origin Namespace, Origin Network)? network,
        ICollection<PolicyProblem> problems)
    {
        if (network is { } both)
        {
            problems.Add(new(
                both.Namespace, "the net namespace cannot be had together with the host's network, "
                    + $"set at {both.Network}; leave out one of them"));
        }

        Needs(policy, "isolation.hostname", NamespaceType.Uts, problems);
        Needs(policy, "isolation.time_offset.monotonic", NamespaceType.Time, problems);
        Needs(policy, "isolation.time_offset.boottime", NamespaceType.Time, problems);
        CheckFiles(policy, problems);
    }

    private static void CheckFiles(Policy policy, ICollection<PolicyProblem> problems)
    {
        FilesystemPolicy files = policy.Filesystem;
        if (files.Default is null && policy.Isolation.Landlock == true)
        {
            problems.Add(new(
                policy.Values["isolation.landlock"].Origin, "isolation.landlock needs "
                    + "filesystem.default, for it holds guests to the file rules"));
        }

        if (files.IsEmpty)
        {
            return;
        }

        Origin first = files.Default?.Origin ?? files.Paths[0].Origin;
        if (!policy.Isolation.Has(NamespaceType.Mount))
        {
            problems.Add(Lacking("filesystem", NamespaceType.Mount, first));
        }

        if (files.Default is null)
        {
            problems.Add(new(first, "filesystem.paths needs filesystem.default, which says what "
                + "holds everywhere else; rw leaves it as the caller has it"));
        }

        foreach (PathRule rule in files.Paths)
        {
            if (rule.Access == FileAccess.Proc && !policy.Isolation.Has(NamespaceType.Pid))
            {
                problems.Add(Lacking(
                    $"filesystem.paths.{rule.Pattern}: proc", NamespaceType.Pid, rule.Origin));
            }
        }
    }

    private static void Needs(
        Policy policy, string key, NamespaceType type, ICollection<PolicyProblem> problems)
    {
        if (!policy.Isolation.Has(type)
            && policy.Values.TryGetValue(key, out Sourced<string> value))
        {
            problems.Add(Lacking(key, type, value.Origin));
        }
    }

    private static PolicyProblem Lacking(string key, NamespaceType type, Origin origin) => new(
        origin, $"{ScalarNode.Escape(key)} needs the {type.Name()} namespace; add {type.Name()} to "
            + "isolation.namespaces");
}
