using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;

namespace Policies.Files;

/// <summary>Every key that a policy can have.</summary>
internal static class PolicyModel
{
    /// <summary>The most characters of what a policy extends: PATH_MAX.</summary>
    public const int LongestPath = 4096;

    /// <summary>The keys in the order of the reference.</summary>
    public static ImmutableArray<PolicyKey> Keys { get; } =
    [
        .. HeadKeys(), .. CreationKeys.All(), .. ResourceKeys.All(), .. IsolationKeys.All(),
    ];

    /// <summary>The sections by dotted name, each with what it is about.</summary>
    public static ImmutableArray<(string Name, string Description)> Sections { get; } =
    [
        ("creation", "What guests may ask of fork, vfork, clone, clone3, unshare and setns."),
        ("creation.entry", "Which calls are open. A closed call gives its errno whatever its "
            + "arguments are, before anything else is looked at; ENOSYS makes C libraries fall "
            + "back to an older call."),
        ("creation.limits", "How many tasks there may be. A creation beyond gets EAGAIN."),
        ("creation.namespaces", "How many namespaces guests may make, by clone, clone3 and "
            + "unshare, of the types that flags allow; one beyond gets ENOSPC. One counts until "
            + "the kernel frees it, whoever keeps it. Where a number is limited the kernel counts, "
            + "in a user namespace round the run: guests keep their ids, and privileges over what "
            + "they made, and lose any over the host."),
        .. NamespaceTypes.All.Select(static type => (
            $"creation.namespaces.{type.Name()}", $"Namespaces of type {type.Name()}.")),
        ("resources", "What the run as a whole and what each task is held to. The values of a task "
            + "are ceilings: one that has drifted away from them is put back when it creates "
            + "another."),
        ("isolation", "What a run has for itself, and what it gives up."),
        ("isolation.user", "The ids of guests."),
        ("isolation.time_offset", "Steps of the clocks of the time namespace, which they need."),
        ("isolation.syscalls", "System calls that guests may not use, whatever their arguments. "
            + "The last layer that names a call decides; within one layer a call's own name goes "
            + "before a group, then deny before allow."),
        ("filesystem", "What files guests see; needs the mount namespace. The rule with the "
            + "longest path that a file is at or below applies, of two for one path the later; "
            + "the same pattern in a later layer replaces that of an earlier one. Patterns are "
            + "looked up on the host once, when the run starts."),
    ];

    /// <summary>
    /// Keys and sections of the contract that this version does not enforce; refused by name.
    /// </summary>
    public static ImmutableArray<string> NotEnforced { get; } =
    [
        "domains",
    ];

    private static readonly Dictionary<string, PolicyKey> ByName = NewIndex();

    /// <summary>Finds a key; null when there is none of this name.</summary>
    public static PolicyKey? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>
    /// Finds the key of which a dotted name names an entry, as <c>creation.deny.CLONE_VM</c>
    /// does; null when there is none.
    /// </summary>
    public static PolicyKey? FindHolder(string name)
    {
        foreach (PolicyKey key in Keys)
        {
            if (key.Kind.Entries is not null && name.Length > key.Name.Length
                && name[key.Name.Length] == '.'
                && name.StartsWith(key.Name, StringComparison.Ordinal))
            {
                return key;
            }
        }

        return null;
    }

    /// <summary>Whether a dotted name is one of <see cref="NotEnforced"/> or below it.</summary>
    public static bool IsNotEnforced(string name)
    {
        foreach (string known in NotEnforced)
        {
            if (name == known || name.StartsWith(known + ".", StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a dotted name is a section.</summary>
    public static bool IsSection(string name) => Describe(name).Length > 0;

    /// <summary>What a section is about; empty when there is none of this name.</summary>
    public static string Describe(string section)
    {
        foreach ((string name, string description) in Sections)
        {
            if (name == section)
            {
                return description;
            }
        }

        return string.Empty;
    }

    /// <summary>
    /// The last parts of all names directly below a section, in the model's order; "" is the root.
    /// </summary>
    public static IReadOnlyList<string> Below(string section)
    {
        string prefix = section.Length == 0 ? section : section + ".";
        var names = new List<string>();
        foreach (PolicyKey key in Keys)
        {
            string name = key.Name.StartsWith(prefix, StringComparison.Ordinal)
                ? key.Name[prefix.Length..].Split('.')[0] : string.Empty;
            if (name.Length > 0 && !names.Contains(name))
            {
                names.Add(name);
            }
        }

        return names;
    }

    private static IEnumerable<PolicyKey> HeadKeys()
    {
        yield return new(
            "version", new IntegerKind(1, 1), "must be set", "1",
            "The version of this format. Every file says it.",
            PolicyKey.Kept);
        yield return new(
            "extends", new TextKind(LongestPath), "nothing: every flag and shape is denied",
            "default",
            "The policy that this one is laid over: the name of one that ships, or a path "
                + "relative to this file.",
            PolicyKey.Kept);
        yield return new(
            "description", new TextKind(1000), "none", "for the linker", "What the policy is for.",
            PolicyKey.Kept);
    }

    private static Dictionary<string, PolicyKey> NewIndex()
    {
        var index = new Dictionary<string, PolicyKey>(StringComparer.Ordinal);
        foreach (PolicyKey key in Keys)
        {
            index.Add(key.Name, key);
        }

        return index;
    }
}
