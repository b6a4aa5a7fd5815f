using System;
using System.Diagnostics.CodeAnalysis;

namespace Sandbox.Kernel;

/// <summary>A promise of our own code was broken. The run ends and no guest survives it.</summary>
[SuppressMessage("Design", "CA1064", Justification = "Nobody outside may catch it by type.")]
internal sealed class InvariantException(string message) : Exception(message);

/// <summary>
/// Assertions that stay on in release builds: a bug ends the run, it never goes on.
/// </summary>
public static class Invariant
{
    /// <summary>Fails when <paramref name="holds"/> is false.</summary>
    /// <param name="holds">What must be true.</param>
    /// <param name="promise">The promise, as a sentence of what should have held.</param>
    public static void Check([DoesNotReturnIf(false)] bool holds, string promise)
    {
        if (!holds)
        {
            throw new InvariantException(promise);
        }
    }
}
