using System.Collections.Generic;
using System.Collections.Immutable;

namespace Policies;

/// <summary>
/// The sections <c>isolation</c> and <c>filesystem</c> while layers are laid over one another.
/// </summary>
internal sealed class IsolationDraft
{
    private readonly List<PathRule> _paths = [];
    private ImmutableArray<Sourced<NamespaceType>> _namespaces = [];
    private Sourced<NetworkAccess>? _network;
    private int _layer;
    private int _namespacesLayer;
    private int _networkLayer;

    public string? Hostname { get; set; }

    public IsolatedUser User { get; set; }

    public ulong Capabilities { get; private set; }

    public Origin? CapabilitiesAt { get; private set; }

    public TimeOffsets TimeOffset { get; set; }

    public SyscallDraft Syscalls { get; } = new();

    public bool? Landlock { get; set; }

    public bool? SetId { get; set; }

    public bool Keyring { get; set; }

    public FileView View { get; set; }

    public Sourced<FileAccess>? Default { get; set; }

    public ImmutableArray<Sourced<Protection>> Degrade { get; set; } = [];

    /// <summary>A later list replaces an earlier one.</summary>
    public void SetNamespaces(IEnumerable<Sourced<NamespaceType>> types)
    {
        var found = new Sourced<NamespaceType>?[NamespaceTypes.Count];
        foreach (Sourced<NamespaceType> type in types)
        {
            found[(int)type.Value] ??= type;
        }

        _namespaces = [];
        _namespacesLayer = _layer;
        foreach (Sourced<NamespaceType>? type in found)
        {
            _namespaces = type is { } named ? _namespaces.Add(named) : _namespaces;
        }
    }

    public void SetNetwork(Sourced<NetworkAccess> network) =>
        (_network, _networkLayer) = (network, _layer);

    /// <summary>A later list replaces an earlier one.</summary>
    public void SetCapabilities(IEnumerable<Sourced<int>> bits, Origin at)
    {
        (Capabilities, CapabilitiesAt) = (0, at);
        foreach (Sourced<int> bit in bits)
        {
            Capabilities |= 1UL << bit.Value;
        }
    }

    /// <summary>
    /// A rule replaces the one of its pattern, and stands behind those of lower layers.
    /// </summary>
    public void SetPath(PathRule rule)
    {
        _paths.RemoveAll(p => p.Pattern == rule.Pattern);
        _paths.Add(rule);
    }

    public void EndLayer()
    {
        Syscalls.EndLayer();
        _layer++;
    }

    public FilesystemPolicy Filesystem() => new(View, Default, [.. _paths]);

    public IsolationPolicy Isolation() => new(
        Namespaces(), Hostname, User, Capabilities, CapabilitiesAt, TimeOffset,
        Syscalls.Denied(), Syscalls.Reopened(), Landlock, SetId, Keyring);

    /// <summary>
    /// The net namespace that is asked for beside the host's network, neither by an earlier
    /// layer; null when there is no such thing.
    /// </summary>
    public (Origin Namespace, Origin Network)? NetworkConflict()
    {
        if (_network is not { Value: NetworkAccess.Host } host || _networkLayer > _namespacesLayer)
        {
            return null;
        }

        foreach (Sourced<NamespaceType> type in _namespaces)
        {
            if (type.Value == NamespaceType.Net)
            {
                return (type.Origin, host.Origin);
            }
        }

        return null;
    }

    /// <summary>
    /// No network is a namespace; the host's, set later, takes it out of the list.
    /// </summary>
    private ImmutableArray<Sourced<NamespaceType>> Namespaces()
    {
        if (_network is not { } network)
        {
            return _namespaces;
        }

        int at = 0;
        while (at < _namespaces.Length && _namespaces[at].Value < NamespaceType.Net)
        {
            at++;
        }

        bool named = at < _namespaces.Length && _namespaces[at].Value == NamespaceType.Net;
        return network.Value == NetworkAccess.None
            ? named ? _namespaces : _namespaces.Insert(at, new(NamespaceType.Net, network.Origin))
            : named ? _namespaces.RemoveAt(at) : _namespaces;
    }
}
