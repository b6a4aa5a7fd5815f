using System;
using System.Collections.Immutable;

namespace Policies;

/// <summary>What of the network a run sees: the key <c>isolation.network</c>.</summary>
public enum NetworkAccess
{
    /// <summary>What the caller sees.</summary>
    Host,

    /// <summary>A namespace of its own with nothing but a loopback device.</summary>
    None,
}

/// <summary>The section <c>isolation.user</c>; what is null is not set.</summary>
/// <param name="Uid">The guest's user id as it sees itself.</param>
/// <param name="Gid">The guest's group id as it sees itself.</param>
/// <param name="HostUid">
/// The user id that it has on the host. Only root can give it another than the caller's.
/// </param>
/// <param name="HostGid">The group id that it has on the host; as with users.</param>
public readonly record struct IsolatedUser(int? Uid, int? Gid, int? HostUid, int? HostGid);

/// <summary>The section <c>isolation.time_offset</c>: time_namespaces(7).</summary>
/// <param name="Monotonic">What is added to CLOCK_MONOTONIC; may be negative.</param>
/// <param name="Boottime">What is added to CLOCK_BOOTTIME; may be negative.</param>
public readonly record struct TimeOffsets(TimeSpan Monotonic, TimeSpan Boottime);

/// <summary>A system call that guests may not use.</summary>
/// <param name="Number">Its number on x86-64.</param>
/// <param name="Errno">What it answers.</param>
/// <param name="Group">The group that named it; null when it was named by itself.</param>
/// <param name="Origin">Where it or its group was named.</param>
public readonly record struct DeniedSyscall(
    int Number, Interpose.Abi.Errno Errno, string? Group, Origin Origin);

/// <summary>
/// The section <c>isolation</c>, resolved: what a run has for itself, and what it gives up.
/// </summary>
/// <param name="Namespaces">
/// The types that the run gets new ones of, in the order of <see cref="NamespaceType"/>, each
/// with where it was asked for; <c>network</c> is already taken into account.
/// </param>
/// <param name="Hostname">Its name in a uts namespace; null to keep the host's.</param>
/// <param name="User">Its ids.</param>
/// <param name="Capabilities">
/// The capabilities that guests hold and can hold, as bits; see
/// <see cref="LimitsCapabilities"/>.
/// </param>
/// <param name="CapabilitiesAt">Where they were set; null when no layer does.</param>
/// <param name="TimeOffset">Offsets of its clocks in a time namespace.</param>
/// <param name="Denied">The system calls that it may not use, by number.</param>
/// <param name="Reopened">
/// The system calls that a layer took out of what a lower one denied or could have denied.
/// </param>
/// <param name="Landlock">Whether Landlock is asked for; null leaves it to the file rules.</param>
/// <param name="SetId">
/// Whether guests may make set-user-ID and set-group-ID files; null leaves it to the file rules.
/// </param>
/// <param name="Keyring">Whether it gets a session keyring of its own: keyrings(7).</param>
public sealed record IsolationPolicy(
    ImmutableArray<Sourced<NamespaceType>> Namespaces,
    string? Hostname,
    IsolatedUser User,
    ulong Capabilities,
    Origin? CapabilitiesAt,
    TimeOffsets TimeOffset,
    ImmutableArray<DeniedSyscall> Denied,
    ImmutableArray<Sourced<int>> Reopened,
    bool? Landlock,
    bool? SetId,
    bool Keyring)
{
    /// <summary>The greatest id that a policy can name; (uid_t)-1 is none.</summary>
    public const int MostId = int.MaxValue;

    /// <summary>The types of <see cref="Namespaces"/> as CLONE_NEW flags.</summary>
    public ulong Flags { get; } = FlagsOf(Namespaces);

    /// <summary>What of the network the run sees.</summary>
    public NetworkAccess Network =>
        Has(NamespaceType.Net) ? NetworkAccess.None : NetworkAccess.Host;

    /// <summary>
    /// Whether guests are held to <see cref="Capabilities"/>: they are where the key is set, and
    /// where the run has a namespace of its own, in which they would hold all otherwise.
    /// </summary>
    public bool LimitsCapabilities => CapabilitiesAt is not null || Flags != 0;

    /// <summary>Whether the run gets a new namespace of a type.</summary>
    public bool Has(NamespaceType type) => (Flags & type.Flag()) != 0;

    /// <summary>Where a namespace was asked for; null when it was not.</summary>
    public Origin? AskedAt(NamespaceType type)
    {
        foreach (Sourced<NamespaceType> asked in Namespaces)
        {
            if (asked.Value == type)
            {
                return asked.Origin;
            }
        }

        return null;
    }

    private static ulong FlagsOf(ImmutableArray<Sourced<NamespaceType>> types)
    {
        ulong flags = 0;
        foreach (Sourced<NamespaceType> type in types)
        {
            flags |= type.Value.Flag();
        }

        return flags;
    }
}
