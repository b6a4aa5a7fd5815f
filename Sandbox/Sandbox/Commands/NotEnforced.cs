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
        if (policy.Filesystem.Default is null && policy.Isolation.Landlock == true)
        {
            yield return $"{policy.Values["isolation.landlock"].Origin}: 'isolation.landlock' "
                + "needs filesystem.default, for it holds guests to the file rules";
        }

        if (policy.Filesystem.Default is { Value: FileAccess.Cow } all)
        {
            yield return $"{all.Origin}: 'filesystem.default: cow' cannot be had by mounts; name "
                + "directories in filesystem.paths";
        }
    }
}
