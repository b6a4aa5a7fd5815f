using System;
using System.Collections.Generic;
using Interpose.Abi;

namespace Policies.Files;

/// <summary>What one policy's isolation leaves open and another's does not.</summary>
internal static class IsolationDifference
{
    private const string OfCaller = "the caller's";

    /// <summary>Adds a line for each thing.</summary>
    public static void Add(Policy narrow, Policy wide, ICollection<string> found)
    {
        CompareIsolation(narrow.Isolation, wide.Isolation, wide, found);
        if (narrow.UsesLandlock && !wide.UsesLandlock)
        {
            Tell(wide, found, "isolation.landlock", "off");
        }

        if (!narrow.MaySetId && wide.MaySetId)
        {
            Tell(wide, found, "isolation.set_id", "allow");
        }

        if (narrow.Isolation.Keyring && !wide.Isolation.Keyring)
        {
            Tell(wide, found, "isolation.keyring", OfCaller);
        }

        CompareFiles(narrow.Filesystem, wide.Filesystem, found);
        foreach (Sourced<Protection> may in wide.Degrade)
        {
            if (!narrow.MayDegrade(may.Value))
            {
                PolicyDifference.Tell(found, may.Origin, "degrade", may.Value.Name());
            }
        }
    }

    private static void CompareIsolation(
        IsolationPolicy narrow, IsolationPolicy wide, Policy policy, ICollection<string> found)
    {
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            if (narrow.Has(type) && !wide.Has(type))
            {
                string key = type == NamespaceType.Net
                    ? "isolation.network" : "isolation.namespaces";
                Tell(policy, found, key, type == NamespaceType.Net
                    ? "the host's" : $"{OfCaller} {type.Name()} namespace");
            }
        }

        if ((narrow.User.HostUid, narrow.User.HostGid) is var (uid, gid)
            && ((uid is not null && wide.User.HostUid != uid)
                || (gid is not null && wide.User.HostGid != gid)))
        {
            Tell(policy, found, "isolation.user", "other ids on the host");
        }

        if (narrow.LimitsCapabilities && !wide.LimitsCapabilities)
        {
            Tell(policy, found, "isolation.capabilities", OfCaller);
        }
        else if (narrow.LimitsCapabilities)
        {
            foreach (string name in CapabilityNames.Of(wide.Capabilities & ~narrow.Capabilities))
            {
                PolicyDifference.Tell(
                    found, wide.CapabilitiesAt, "isolation.capabilities", name);
            }
        }

        CompareCalls(narrow, wide, found);
    }

    private static void CompareCalls(
        IsolationPolicy narrow, IsolationPolicy wide, ICollection<string> found)
    {
        var denied = new HashSet<int>();
        foreach (DeniedSyscall call in wide.Denied)
        {
            denied.Add(call.Number);
        }

        foreach (DeniedSyscall call in narrow.Denied)
        {
            if (!denied.Contains(call.Number))
            {
                PolicyDifference.Tell(
                    found, OpenedAt(wide, call.Number), "isolation.syscalls",
                    SyscallNames.Of(call.Number)!);
            }
        }
    }

    private static Origin? OpenedAt(IsolationPolicy policy, int number)
    {
        foreach (Sourced<int> open in policy.Reopened)
        {
            if (open.Value == number)
            {
                return open.Origin;
            }
        }

        return null;
    }

    private static void CompareFiles(
        FilesystemPolicy narrow, FilesystemPolicy wide, ICollection<string> found)
    {
        if (narrow.IsEmpty)
        {
            return;
        }

        if (wide.IsEmpty)
        {
            PolicyDifference.Tell(found, null, "filesystem", "as the caller sees it");
            return;
        }

        if (Rank(wide.Default!.Value.Value) > Rank(narrow.Default!.Value.Value))
        {
            PolicyDifference.Tell(
                found, wide.Default.Value.Origin, "filesystem.default",
                Instead(wide.Default.Value.Value, narrow.Default.Value.Value));
        }

        var patterns = new SortedSet<string>(StringComparer.Ordinal);
        foreach (PathRule rule in (PathRule[])[.. narrow.Paths, .. wide.Paths])
        {
            patterns.Add(rule.Pattern);
        }

        foreach (string pattern in patterns)
        {
            Sourced<FileAccess> a = Covering(narrow, pattern);
            Sourced<FileAccess> b = Covering(wide, pattern);
            if (Rank(b.Value) > Rank(a.Value))
            {
                PolicyDifference.Tell(
                    found, b.Origin, $"filesystem.paths.{ScalarNode.Escape(pattern)}",
                    Instead(b.Value, a.Value));
            }
        }
    }

    /// <summary>
    /// What holds for all that a pattern names, as far as patterns tell: its own rule, or that
    /// of the longest pattern without globs above it, or the default.
    /// </summary>
    private static Sourced<FileAccess> Covering(FilesystemPolicy files, string pattern)
    {
        Sourced<FileAccess> found = files.Default!.Value;
        int longest = -1;
        foreach (PathRule rule in files.Paths)
        {
            bool above = rule.Pattern == "/" ? pattern[0] == '/'
                : pattern.StartsWith(rule.Pattern + "/", StringComparison.Ordinal)
                    && !FilePattern.HasGlob(rule.Pattern);
            if ((rule.Pattern == pattern || above) && rule.Pattern.Length > longest)
            {
                (found, longest) = (new(rule.Access, rule.Origin), rule.Pattern.Length);
            }
        }

        return found;
    }

    /// <summary>How much guests can do to what the host has there.</summary>
    private static int Rank(FileAccess access) => access switch
    {
        FileAccess.Rw => 3,
        FileAccess.Cow => 2,
        FileAccess.Ro => 1,
        _ => 0,
    };

    private static string Instead(FileAccess wide, FileAccess narrow) =>
        $"{PathMapKind.NameOf(wide)} instead of {PathMapKind.NameOf(narrow)}";

    private static void Tell(Policy wide, ICollection<string> found, string key, string what) =>
        PolicyDifference.Tell(
            found, wide.Values.TryGetValue(key, out Sourced<string> value) ? value.Origin : null,
            key, what);
}
