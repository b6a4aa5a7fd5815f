using System.Collections.Generic;
using Interpose.Abi;

namespace Policies;

/// <summary>The policies that need no file.</summary>
public static class BuiltinPolicies
{
    /// <summary>All flags allowed, every creation observed; tracing flags are stripped.</summary>
    public static Policy Permissive { get; } = new(
        "permissive",
        new CreationPolicy(ulong.MaxValue, AllowPlain: true, 0, Errno.EPERM, new()),
        ResourcePolicy.None);

    /// <summary>One task: no new process and no new thread.</summary>
    public static Policy Strict { get; } = new(
        "strict",
        new CreationPolicy(0, AllowPlain: false, 0, Errno.EPERM, new()),
        ResourcePolicy.None);

    /// <summary>Every built-in policy, in the order that listings show.</summary>
    public static IReadOnlyList<Policy> All { get; } = [Permissive, Strict];

    /// <summary>Finds a policy by its name; null when there is none.</summary>
    public static Policy? Find(string name)
    {
        foreach (Policy policy in All)
        {
            if (policy.Name == name)
            {
                return policy;
            }
        }

        return null;
    }
}
