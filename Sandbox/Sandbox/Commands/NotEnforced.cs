using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using Policies;

namespace Sandbox.Commands;

/// <summary>
/// What a policy can ask for and this version does not give: a run under such a policy is
/// refused. Denied system calls are given.
/// </summary>
internal static class NotEnforced
{
    /// <summary>A sentence for each section that asks for such a thing.</summary>
    public static IEnumerable<string> Of(Policy policy)
    {
        (string Section, Origin? At)[] asked =
        [
            ("isolation", First(policy.Isolation.Namespaces) ?? policy.Isolation.CapabilitiesAt
                ?? Value(policy, "isolation.")),
            ("filesystem", policy.Filesystem.Default?.Origin
                ?? (policy.Filesystem.Paths.IsEmpty ? null : policy.Filesystem.Paths[0].Origin)
                ?? Value(policy, "filesystem.")),
            ("degrade", First(policy.Degrade)),
        ];
        foreach ((string section, Origin? at) in asked)
        {
            if (at is not null)
            {
                yield return
                    $"{at}: '{section}' is not enforced by this version, so it is refused";
            }
        }
    }

    private static Origin? First<T>(ImmutableArray<Sourced<T>> values) =>
        values.IsEmpty ? null : values[0].Origin;

    /// <summary>Where the first single value of a section was set that asks for anything.</summary>
    private static Origin? Value(Policy policy, string section)
    {
        foreach ((string key, Sourced<string> value) in policy.Values)
        {
            if (key.StartsWith(section, StringComparison.Ordinal)
                && !key.EndsWith(".because", StringComparison.Ordinal))
            {
                return value.Origin;
            }
        }

        return null;
    }
}
