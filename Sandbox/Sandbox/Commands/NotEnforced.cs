using System.Collections.Generic;
using Policies;

namespace Sandbox.Commands;

/// <summary>
/// What a policy can ask for and this version does not give: a run under such a policy is
/// refused.
/// </summary>
internal static class NotEnforced
{
    /// <summary>A sentence for each.</summary>
    public static IEnumerable<string> Of(Policy policy)
    {
        if (policy.Isolation.Landlock == true)
        {
            string key = "isolation.landlock";
            yield return $"{policy.Values[key].Origin}: '{key}' is not enforced by this version, "
                + "so it is refused";
        }

        if (!policy.Degrade.IsEmpty)
        {
            yield return $"{policy.Degrade[0].Origin}: 'degrade' is not enforced by this version, "
                + "so it is refused";
        }

        if (policy.Filesystem.Default is { Value: FileAccess.Cow } all)
        {
            yield return $"{all.Origin}: 'filesystem.default: cow' cannot be had by mounts; name "
                + "directories in filesystem.paths";
        }
    }
}
