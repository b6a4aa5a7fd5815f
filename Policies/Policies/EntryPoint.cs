namespace Policies;

/// <summary>
/// How a task comes to be asked for: the system call, or the sandbox's own launch.
/// </summary>
public enum EntryPoint
{
    /// <summary>The first task of a run, which the supervisor asks for itself.</summary>
    Launch,

    /// <summary>fork(2).</summary>
    Fork,

    /// <summary>vfork(2).</summary>
    Vfork,

    /// <summary>clone(2), the register form.</summary>
    Clone,

    /// <summary>clone3, whose arguments stand in guest memory: clone(2).</summary>
    Clone3,
}

/// <summary>The names of entry points as policies and reports write them.</summary>
public static class EntryPointNames
{
    /// <summary>How many entry points there are.</summary>
    public const int Count = 5;

    /// <summary>The name a person reads: the system call's own.</summary>
    public static string Name(this EntryPoint entry) => entry switch
    {
        EntryPoint.Launch => "launch",
        EntryPoint.Fork => "fork",
        EntryPoint.Vfork => "vfork",
        EntryPoint.Clone => "clone",
        _ => "clone3",
    };
}
