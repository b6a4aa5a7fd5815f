using System.Collections.Generic;
using Interpose.Abi;

namespace Policies.Files;

/// <summary>
/// Grants of the sections <c>isolation</c> and <c>filesystem</c> that want a reason.
/// </summary>
internal static class IsolationLint
{
    /// <summary>Adds warnings, in the order of the model's keys.</summary>
    public static void Check(Policy policy, ICollection<PolicyProblem> warnings)
    {
        bool explained = policy.Values.ContainsKey("isolation.because");
        if (!explained)
        {
            CheckIsolation(policy, warnings);
        }

        if (!policy.Values.ContainsKey("filesystem.because"))
        {
            CheckFiles(policy.Filesystem, warnings);
        }

        foreach (Sourced<Protection> may in explained ? [] : policy.Degrade)
        {
            warnings.Add(new(
                may.Origin, $"without {may.Value.Name()} the run is weaker than the policy "
                    + $"says, on a host that cannot give it{Why("isolation")}"));
        }
    }

    private static void CheckIsolation(Policy policy, ICollection<PolicyProblem> warnings)
    {
        string why = Why("isolation");
        IsolationPolicy isolation = policy.Isolation;
        foreach (string name in CapabilityNames.Of(isolation.Capabilities))
        {
            warnings.Add(new(
                isolation.CapabilitiesAt, $"{name} is part of the power of root{why}"));
        }

        if (policy.Values.TryGetValue("isolation.network", out Sourced<string> network)
            && network.Value == "host")
        {
            warnings.Add(new(
                network.Origin, $"the host's network reaches its services and others'{why}"));
        }

        foreach (Sourced<int> call in isolation.Reopened)
        {
            if (SyscallGroups.Of(call.Value) is { Dangerous: true } group)
            {
                warnings.Add(new(
                    call.Origin, $"{SyscallNames.Of(call.Value)} is denied in {group.Name}, for "
                        + $"{group.Reason}{why}"));
            }
        }
    }

    private static void CheckFiles(FilesystemPolicy files, ICollection<PolicyProblem> warnings)
    {
        string why = Why("filesystem");
        if (files.Default is { Value: FileAccess.Rw } all)
        {
            warnings.Add(new(all.Origin, $"guests can write all that the caller can{why}"));
        }

        foreach (PathRule rule in files.Paths)
        {
            if (rule is { Access: FileAccess.Rw, Pattern: "/" or "~" or "/*" or "~/*" })
            {
                string what = rule.Pattern[0] == '/' ? "the whole file system" : "the whole home";
                warnings.Add(new(rule.Origin, $"guests can write {what}{why}"));
            }
        }
    }

    private static string Why(string section) =>
        $"; say in '{section}.because' why it is needed";
}
