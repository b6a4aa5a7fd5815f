namespace Sandbox.Kernel.Fork;

/// <summary>
/// A step on the way from request to running task. Each is used once: the transition to the
/// next is a static method of the next, and takes this one over.
/// </summary>
/// <remarks>
/// The analyzer finds double use at compile time; the token here finds it at run time as well,
/// for a stage is parked between the stops of one call. The six objects of a creation belong to
/// its <see cref="PendingClone"/>, each knows the next, and later creations use them again: so
/// a creation allocates nothing.
/// </remarks>
public abstract class Stage
{
    private bool _reached;

    internal void Consume()
    {
        Invariant.Check(_reached, "a stage of process creation is consumed once");
        _reached = false;
    }

    /// <summary>
    /// The creation is over: what it held is let go, in this stage and later ones.
    /// </summary>
    internal virtual void Clear() => _reached = false;

    private protected void Reach()
    {
        Invariant.Check(!_reached, "a stage of process creation is reached once");
        _reached = true;
    }
}

/// <summary>The stages by number, as reports name them.</summary>
public enum StageName
{
    /// <summary>Stage 1, <see cref="ValidatedClone"/>.</summary>
    Validate,

    /// <summary>Stage 2, <see cref="UnpublishedTask"/>.</summary>
    Allocate,

    /// <summary>Stage 3, <see cref="PopulatedTask"/>.</summary>
    Populate,

    /// <summary>Stage 4, <see cref="ReservedTask"/>.</summary>
    Reserve,

    /// <summary>The kernel's part, between stages 4 and 5.</summary>
    Kernel,

    /// <summary>Stage 5, <see cref="PublishedTask"/>.</summary>
    Publish,

    /// <summary>Stage 6, <see cref="RunningTask"/>.</summary>
    WakeUp,
}
