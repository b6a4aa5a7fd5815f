using System;

namespace Conformance.Harness;

/// <summary>A test of what only root may do; the reason for its skip says what that is.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute(
        string why = "only root makes such a namespace without a user namespace around it")
    {
        Why = why;
        Skip = Host.IsRoot ? null : why;
    }

    public string Why { get; }
}
