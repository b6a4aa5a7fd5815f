using System.Collections.Immutable;

namespace Policies;

/// <summary>
/// What a host may be unable to give; <c>degrade</c> names those that a run may go without.
/// </summary>
public enum Protection
{
    /// <summary>A user namespace.</summary>
    User = NamespaceType.User,

    /// <summary>A mount namespace.</summary>
    Mount = NamespaceType.Mount,

    /// <summary>A pid namespace.</summary>
    Pid = NamespaceType.Pid,

    /// <summary>A network namespace.</summary>
    Net = NamespaceType.Net,

    /// <summary>An ipc namespace.</summary>
    Ipc = NamespaceType.Ipc,

    /// <summary>A uts namespace.</summary>
    Uts = NamespaceType.Uts,

    /// <summary>A cgroup namespace.</summary>
    Cgroup = NamespaceType.Cgroup,

    /// <summary>A time namespace.</summary>
    Time = NamespaceType.Time,

    /// <summary>The file view.</summary>
    Files,

    /// <summary>Landlock.</summary>
    Landlock,

    /// <summary>The denied system calls.</summary>
    Syscalls,

    /// <summary>A session keyring of its own.</summary>
    Keyring,

    /// <summary>The limit on memory.</summary>
    Memory,

    /// <summary>The limit on processors.</summary>
    Cpu,

    /// <summary>The share of disk time.</summary>
    IoWeight,

    /// <summary>The limit on output.</summary>
    Output,
}

/// <summary>Names of protections.</summary>
public static class Protections
{
    /// <summary>All of them, in order.</summary>
    public static ImmutableArray<Protection> All { get; } =
    [
        Protection.User, Protection.Mount, Protection.Pid, Protection.Net, Protection.Ipc,
        Protection.Uts, Protection.Cgroup, Protection.Time, Protection.Files,
        Protection.Landlock, Protection.Syscalls, Protection.Keyring, Protection.Memory,
        Protection.Cpu, Protection.IoWeight, Protection.Output,
    ];

    /// <summary>The name that policies and results write.</summary>
    public static string Name(this Protection protection) => protection switch
    {
        Protection.Files => "files",
        Protection.Landlock => "landlock",
        Protection.Syscalls => "syscalls",
        Protection.Keyring => "keyring",
        Protection.Memory => "memory",
        Protection.Cpu => "cpu",
        Protection.IoWeight => "io_weight",
        Protection.Output => "output",
        _ => ((NamespaceType)protection).Name(),
    };

    /// <summary>The protection that a namespace is.</summary>
    public static Protection Of(NamespaceType type) => (Protection)type;
}
