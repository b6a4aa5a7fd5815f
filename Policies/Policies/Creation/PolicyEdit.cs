using System.Collections.Generic;
using System.Globalization;
using Interpose.Abi;

namespace Policies;

/// <summary>The smallest change to a policy that would allow what it denies.</summary>
public static class PolicyEdit
{
    /// <summary>Settings for <c>--set</c> that would let a call pass the policy.</summary>
    /// <param name="policy">The policy that denies it.</param>
    /// <param name="entry">The call.</param>
    /// <param name="flags">
    /// Its flags without the exit signal; null when the call was denied before they were known.
    /// </param>
    /// <returns>
    /// Empty when the policy allows the call; null when no addition to the policy can allow it.
    /// </returns>
    public static IReadOnlyList<string>? ToAllow(
        CreationPolicy policy, EntryPoint entry, ulong? flags)
    {
        var edit = new List<string>();
        if (policy.Entry(entry).Value != Errno.None)
        {
            edit.Add(CreationPolicy.EntryKey(entry) + "=allow");
        }

        if (flags is not { } asked)
        {
            return edit;
        }

        bool creates = entry is not (EntryPoint.Unshare or EntryPoint.Setns);
        if (creates && ((asked & ~CloneFlags.Known) | policy.ClashOf(asked)) != 0)
        {
            return null;
        }

        CreationDecision decision = creates ? policy.Decide(asked)
            : entry == EntryPoint.Unshare ? policy.DecideUnshare(asked) : policy.DecideSetns(asked);
        if (!decision.Allowed)
        {
            edit.Add("creation.allow=" + string.Join(',', Missing(policy, entry, asked)));
        }

        return edit;
    }

    /// <summary>The setting that would raise a limit by one.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="key">The limit's key.</param>
    /// <returns>Null when the policy sets no limit of this key.</returns>
    public static string? ToRaise(CreationPolicy policy, string key)
    {
        foreach ((string name, Sourced<int> limit) in policy.AllLimits())
        {
            if (name == key)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{key}={limit.Value + 1}");
            }
        }

        return null;
    }

    private static IEnumerable<string> Missing(
        CreationPolicy policy, EntryPoint entry, ulong asked)
    {
        ulong own = 0;
        ulong judged = asked & CloneFlags.Namespaces;
        ulong stripped = entry == EntryPoint.Setns ? 0 : policy.Strip;
        if (entry is not (EntryPoint.Unshare or EntryPoint.Setns))
        {
            Shape shape = Shapes.Of(asked);
            (own, judged) = (shape.OwnFlags(), asked);
            stripped |= CloneFlags.AlwaysStripped;
            if (policy.ShapeRule(shape).Action != FlagAction.Allow)
            {
                yield return shape.Group();
            }
        }

        ulong unnamed = judged & ~(policy.Allow | own | stripped);
        foreach (string name in CloneFlags.Of((judged & policy.Denied) | unnamed))
        {
            yield return name;
        }
    }
}
