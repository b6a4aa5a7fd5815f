using System;

namespace Conformance.Harness;

/// <summary>
/// A test of a guest that serves a FUSE file system; skipped where this user may not mount one
/// natively: who is not root, and root where there is no /dev/fuse.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsFuseFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> Missing = new(() =>
    {
        Outcome tried = Shell.Run("/", null, Guests.Escape("stallfuse"));
        return tried.Status == 0 ? null
            : $"this user may not mount a file system of its own here: {tried.Out.Trim()}";
    });

    public NeedsFuseFactAttribute() => Skip = Missing.Value;
}
