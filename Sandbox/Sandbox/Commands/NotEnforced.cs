using System.Collections.Generic;
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
        foreach (string section in (string[])["isolation", "filesystem"])
        {
            if (Origin(policy, section) is { } at)
            {
                yield return Refuse(section, at);
            }
        }

        if (!policy.Degrade.IsEmpty)
        {
            yield return Refuse("degrade", policy.Degrade[0].Origin);
        }
    }

    private static string Refuse(string section, Origin at) =>
        $"{at}: '{section}' is not enforced by this version, so it is refused";

    private static Origin? Origin(Policy policy, string section)
    {
        Origin? at = section == "filesystem"
            ? policy.Filesystem.IsEmpty ? null
                : policy.Filesystem.Default?.Origin ?? policy.Filesystem.Paths[0].Origin
            : !policy.Isolation.Namespaces.IsEmpty ? policy.Isolation.Namespaces[0].Origin
                : policy.Isolation.CapabilitiesAt;
        foreach ((string key, Sourced<string> value) in policy.Values)
        {
            bool inert = key.EndsWith(".because", System.StringComparison.Ordinal);
            at ??= !inert && key.StartsWith(section + ".", System.StringComparison.Ordinal)
                ? value.Origin : null;
        }

        return at;
    }
}
