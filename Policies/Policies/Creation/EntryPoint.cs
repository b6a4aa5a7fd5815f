using System.Collections.Immutable;

namespace Policies;

/// <summary>
/// How a task or a namespace comes to be asked for: the system call, or the sandbox's own
/// launch.
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

    /// <summary>unshare(2), which gives the caller itself new namespaces.</summary>
    Unshare,

    /// <summary>setns(2), which moves the caller into namespaces that exist.</summary>
    Setns,
}

/// <summary>The names of entry points as policies and reports write them.</summary>
public static class EntryPointNames
{
    /// <summary>How many entry points there are.</summary>
    public const int Count = 7;

    /// <summary>The name a person reads: the system call's own.</summary>
    public static string Name(this EntryPoint entry) => entry switch
    {
        EntryPoint.Launch => "launch",
        EntryPoint.Fork => "fork",
        EntryPoint.Vfork => "vfork",
        EntryPoint.Clone => "clone",
        EntryPoint.Clone3 => "clone3",
        EntryPoint.Unshare => "unshare",
        _ => "setns",
    };

    /// <summary>The calls that a policy opens or closes, in the order that listings show.</summary>
    public static ImmutableArray<EntryPoint> Calls { get; } =
    [
        EntryPoint.Fork, EntryPoint.Vfork, EntryPoint.Clone, EntryPoint.Clone3,
        EntryPoint.Unshare, EntryPoint.Setns,
    ];

    /// <summary>The call of a name; false when there is none.</summary>
    public static bool TryParse(string name, out EntryPoint entry)
    {
        foreach (EntryPoint call in Calls)
        {
            if (call.Name() == name)
            {
                entry = call;
                return true;
            }
        }

        entry = EntryPoint.Launch;
        return false;
    }
}
