using System.Collections.Generic;
using static Interpose.Abi.Uapi;

namespace Policies;

/// <summary>The ids that a user namespace which a guest makes is given.</summary>
public enum UserMap
{
    /// <summary>None: whoever may writes them.</summary>
    None,

    /// <summary>Those of its maker: unshare(1) <c>--map-current-user</c>.</summary>
    Caller,

    /// <summary>The same as user and group 0: unshare(1) <c>--map-root-user</c>.</summary>
    Root,
}

/// <summary>
/// What the supervisor does to namespaces that guests make, before anything runs in them.
/// </summary>
/// <param name="Map">The ids of user namespaces.</param>
/// <param name="MapAt">Where that was set.</param>
/// <param name="Loopback">Whether the loopback device of networks goes up.</param>
/// <param name="LoopbackAt">Where that was set.</param>
public sealed record NamespaceSetUp(
    UserMap Map, Origin MapAt, bool Loopback, Origin LoopbackAt)
{
    /// <summary>The key of the map.</summary>
    public const string MapKey = "creation.namespaces.user.map";

    /// <summary>The key of the loopback device.</summary>
    public const string LoopbackKey = "creation.namespaces.net.loopback";

    /// <summary>Nothing.</summary>
    public static NamespaceSetUp None { get; } =
        new(UserMap.None, Origin.Default, false, Origin.Default);

    /// <summary>Types that something is done to, as CLONE_NEW flags.</summary>
    public ulong Types =>
        (Map != UserMap.None ? CLONE_NEWUSER : 0) | (Loopback ? CLONE_NEWNET : 0);

    /// <summary>What is done to namespaces of some types, by key, with the value.</summary>
    /// <param name="types">CLONE_NEW flags.</param>
    public IEnumerable<(string Key, string Value, Origin Origin)> Of(ulong types)
    {
        if ((types & Types & CLONE_NEWUSER) != 0)
        {
            yield return (MapKey, Map == UserMap.Root ? "root" : "caller", MapAt);
        }

        if ((types & Types & CLONE_NEWNET) != 0)
        {
            yield return (LoopbackKey, "up", LoopbackAt);
        }
    }
}
