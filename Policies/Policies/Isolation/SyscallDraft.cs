using System.Collections.Generic;
using System.Collections.Immutable;
using Interpose.Abi;

namespace Policies;

/// <summary>A system call or a group of them, by name.</summary>
/// <param name="Name">As written.</param>
/// <param name="Numbers">The calls.</param>
internal sealed record SyscallName(string Name, ImmutableArray<int> Numbers)
{
    public bool IsGroup => Name.StartsWith('@');

    /// <summary>Finds a call or group; null when there is none.</summary>
    public static SyscallName? Find(string name) =>
        SyscallGroups.Find(name) is { } group ? new(name, group.Numbers)
        : SyscallNames.TryParse(name, out int number) ? new(name, [number]) : null;
}

/// <summary>
/// The denied system calls while layers are laid over one another. The last layer that names a
/// call decides; within one layer a call's own name goes before a group, then deny before allow.
/// </summary>
internal sealed class SyscallDraft
{
    private readonly SortedDictionary<int, (bool Denied, string? Group, Origin Origin)> _rules = [];
    private readonly List<(SyscallName Name, bool Denied, Origin Origin)> _named = [];

    /// <summary>A call or group is named by the layer that is being laid over.</summary>
    public void Name(SyscallName name, bool denied, Origin origin) =>
        _named.Add((name, denied, origin));

    /// <summary>The layer is read.</summary>
    public void EndLayer()
    {
        foreach ((bool group, bool denied) in
            new[] { (true, false), (true, true), (false, false), (false, true) })
        {
            foreach ((SyscallName name, bool denies, Origin origin) in _named)
            {
                if (name.IsGroup == group && denies == denied)
                {
                    Set(name, denied, origin);
                }
            }
        }

        _named.Clear();
    }

    public ImmutableArray<DeniedSyscall> Denied()
    {
        var denied = ImmutableArray.CreateBuilder<DeniedSyscall>();
        foreach ((int number, (bool denies, string? group, Origin origin)) in _rules)
        {
            if (denies)
            {
                denied.Add(new(number, SyscallGroups.Answer(number), group, origin));
            }
        }

        return denied.ToImmutable();
    }

    public ImmutableArray<Sourced<int>> Reopened()
    {
        var open = ImmutableArray.CreateBuilder<Sourced<int>>();
        foreach ((int number, (bool denies, _, Origin origin)) in _rules)
        {
            if (!denies)
            {
                open.Add(new(number, origin));
            }
        }

        return open.ToImmutable();
    }

    private void Set(SyscallName name, bool denied, Origin origin)
    {
        foreach (int number in name.Numbers)
        {
            _rules[number] = (denied, name.IsGroup ? name.Name : null, origin);
        }
    }
}
