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
        if (policy.Filesystem.Default is { Value: FileAccess.Cow } all)
        {
            yield return $"{all.Origin}: 'filesystem.default: cow' cannot be had by mounts; name "
                + "directories in filesystem.paths";
        }
    }
}
