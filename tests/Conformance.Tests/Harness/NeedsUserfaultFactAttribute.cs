using System;

namespace Conformance.Harness;

/// <summary>
/// A test of memory that a guest serves, userfaultfd(2); skipped where this user may not have it
/// natively, for then no guest can stall anybody with it.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsUserfaultFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> Missing = new(() =>
    {
        string said = Shell.Run("/", null, Guests.Escape("stall"), "served").Out;
        return said.Contains("userfaultfd: E", StringComparison.Ordinal)
            ? $"this user may not have it: {said.Trim()} (sysctl vm.unprivileged_userfaultfd)"
            : null;
    });

    public NeedsUserfaultFactAttribute() => Skip = Missing.Value;
}
