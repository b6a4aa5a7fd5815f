using System;

namespace Sandbox.Kernel.Tasks;

/// <summary>The eight types of namespaces(7), as a set.</summary>
[Flags]
public enum NamespaceSet
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>mount_namespaces(7).</summary>
    Mount = 1 << 0,

    /// <summary>uts_namespaces(7).</summary>
    Uts = 1 << 1,

    /// <summary>ipc_namespaces(7).</summary>
    Ipc = 1 << 2,

    /// <summary>user_namespaces(7).</summary>
    User = 1 << 3,

    /// <summary>pid_namespaces(7).</summary>
    Pid = 1 << 4,

    /// <summary>network_namespaces(7).</summary>
    Net = 1 << 5,

    /// <summary>cgroup_namespaces(7).</summary>
    Cgroup = 1 << 6,

    /// <summary>time_namespaces(7).</summary>
    Time = 1 << 7,
}
