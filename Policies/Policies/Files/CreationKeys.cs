using System;
using System.Collections.Generic;
using Interpose.Abi;

namespace Policies.Files;

/// <summary>The keys of the section <c>creation</c>.</summary>
internal static class CreationKeys
{
    private static readonly NameWord<FlagName> AnyFlag = FlagWords.Of(
        ulong.MaxValue, true, "flags such as CLONE_PIDFD and groups such as '@thread'", "");

    private static readonly NameWord<FlagName> StrippableFlag = FlagWords.Of(
        CloneFlags.Strippable, false, "flags such as CLONE_IO and the group '@namespaces'",
        "cannot be stripped, for the caller would get something else than it relies on; "
            + "deny it instead");

    private static readonly NameWord<FlagName> AddableFlag = FlagWords.Of(
        CloneFlags.Addable, false, "flags such as CLONE_NEWUTS",
        "cannot be required; what can are flags of namespaces other than CLONE_NEWTIME");

    /// <summary>The keys in the order of the reference.</summary>
    public static IEnumerable<PolicyKey> All()
    {
        yield return new(
            "creation.engine", new WordKind(("ptrace", "ptrace")) { NotYet = "notify" }, "ptrace",
            "ptrace",
            "How guests are observed.", PolicyKey.Kept);
        yield return new(
            "creation.allow", new NameListKind<FlagName>(AnyFlag), "nothing",
            "['@fork', '@thread', CLONE_PIDFD]",
            "Flags and shapes that may be asked for. A shape ('@fork', '@vfork', '@thread') opens "
                + "a kind of task together with the flags that C libraries give it.",
            Flags(FlagAction.Allow));
        yield return new(
            "creation.strip", new NameListKind<FlagName>(StrippableFlag),
            "CLONE_UNTRACED and CLONE_PTRACE, always", "[CLONE_IO]",
            "Flags that are taken out of a call before the kernel sees it.",
            Flags(FlagAction.Strip));
        yield return new(
            "creation.deny", new FlagErrnoKind(AnyFlag), "nothing", "{CLONE_NEWUSER: EPERM}",
            "Flags and shapes that get an errno of their own. Of several in one call the lowest "
                + "bit's counts.",
            Deny);
        yield return new(
            "creation.otherwise", new ErrnoKind(orAllow: false), "EPERM", "EPERM",
            "What a call gets for a flag or shape that is not named.",
            static (draft, value, node) => draft.Otherwise = new((Errno)value, node.Origin));
        foreach (EntryPoint entry in EntryPointNames.Calls)
        {
            yield return new(
                CreationPolicy.EntryKey(entry), new ErrnoKind(orAllow: true),
                entry == EntryPoint.Setns ? "EPERM" : "allow",
                entry == EntryPoint.Clone3 ? "ENOSYS" : "allow",
                $"Whether {entry.Name()} is open, or the errno that it always gives.",
                (draft, value, node) =>
                    draft.Entries[(int)entry] = new((Errno)value, node.Origin));
        }

        yield return Limit(LimitKind.Tasks, "Live tasks of the run, threads and processes.");
        yield return Limit(LimitKind.Threads, "Live threads of one process.");
        yield return Limit(LimitKind.Depth, "Creations from the first process to any other.");
        yield return Limit(LimitKind.PerSecond, "Creations within any one second.");
        foreach (PolicyKey key in OfNamespaces())
        {
            yield return key;
        }

        yield return new(
            "creation.require", new NameListKind<FlagName>(AddableFlag), "nothing",
            "[CLONE_NEWUTS]",
            "Flags that are added to the creation of each process (not of threads). Together with "
                + "what the kernel forbids beside them, the call gets 'otherwise'.",
            Require);
        yield return new(
            "creation.on_violation",
            new WordKind(("errno", OnViolation.Errno), ("kill", OnViolation.Kill)), "errno", "kill",
            "What a request that the policy denies does: the guest gets the errno, or the run is "
                + "ended. Limits that are used up are no violation.",
            static (draft, value, node) =>
                draft.OnViolation = new((OnViolation)value, node.Origin));
        yield return PolicyKey.Because("creation");
    }

    /// <summary>The section <c>creation.namespaces</c>.</summary>
    private static IEnumerable<PolicyKey> OfNamespaces()
    {
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            yield return Namespaces(
                type, NamespaceBudgets.MaxKey(type), NamespaceBudgets.Most,
                "How many that guests made may live at once.",
                static (budget, limit) => budget with { Max = limit });
            yield return Namespaces(
                type, NamespaceBudgets.DepthKey(type), NamespaceBudgets.DepthMost,
                "How deep they may nest below the run's own.",
                static (budget, limit) => budget with { Depth = limit });
            foreach (PolicyKey key in SetUp(type))
            {
                yield return key;
            }
        }
    }

    private static PolicyKey Limit(LimitKind kind, string description) => new(
        CreationLimits.Key(kind), new IntegerKind(1, CreationLimits.Most), "no limit", "4096",
        description,
        (draft, value, node) =>
            draft.Limits = draft.Limits.With(kind, new((int)value, node.Origin)));

    private static PolicyKey Namespaces(
        NamespaceType type, string key, int most, string description,
        Func<NamespaceBudget, Sourced<int>, NamespaceBudget> set) => new(
        key, new IntegerKind(0, most), "no limit", "1", description,
        (draft, value, node) => draft.Namespaces = draft.Namespaces.With(
            type, set(draft.Namespaces.Of(type), new((int)value, node.Origin))));

    /// <summary>What is done to namespaces of a type.</summary>
    private static IEnumerable<PolicyKey> SetUp(NamespaceType type)
    {
        if (type == NamespaceType.User)
        {
            yield return new(
                NamespaceSetUp.MapKey,
                new WordKind(
                    ("none", UserMap.None), ("caller", UserMap.Caller), ("root", UserMap.Root)),
                "none", "caller",
                "The ids that a new one is given before anything runs in it: its maker's, as they "
                    + "are or as user and group 0, and setgroups is denied. As the kernel has it, "
                    + "the id 0 needs a maker with CAP_SETFCAP.",
                static (draft, value, node) => draft.SetUp =
                    draft.SetUp with { Map = (UserMap)value, MapAt = node.Origin });
        }

        if (type == NamespaceType.Net)
        {
            yield return new(
                NamespaceSetUp.LoopbackKey, new WordKind(("down", false), ("up", true)), "down",
                "up",
                "Whether the loopback device of a new one is up before anything runs in it.",
                static (draft, value, node) => draft.SetUp =
                    draft.SetUp with { Loopback = (bool)value, LoopbackAt = node.Origin });
        }
    }

    private static PolicyKey.Layer Flags(FlagAction action) => (draft, value, _) =>
    {
        foreach (Sourced<FlagName> name in (List<Sourced<FlagName>>)value)
        {
            draft.Name(name.Value, new(action, Errno.None, name.Origin));
        }
    };

    private static void Deny(PolicyDraft draft, object value, PolicyNode node)
    {
        foreach ((Sourced<FlagName> name, Errno errno)
            in (List<(Sourced<FlagName> Name, Errno Errno)>)value)
        {
            draft.Name(name.Value, new(FlagAction.Deny, errno, name.Origin));
        }
    }

    private static void Require(PolicyDraft draft, object value, PolicyNode node)
    {
        foreach (Sourced<FlagName> name in (List<Sourced<FlagName>>)value)
        {
            for (int i = 0; i < CreationPolicy.Bits; i++)
            {
                if ((name.Value.Flags & (1UL << i)) != 0)
                {
                    draft.Required[i] = name.Origin;
                }
            }
        }
    }
}
