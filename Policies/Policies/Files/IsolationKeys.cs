using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Interpose.Abi;

namespace Policies.Files;

/// <summary>The keys of the sections <c>isolation</c> and <c>filesystem</c>, and degrade.</summary>
internal static class IsolationKeys
{
    private static readonly NameListKind<SyscallName> Calls = new(new(
        "system calls such as ptrace and groups such as '@mount'", "system call",
        SyscallGroups.Names, FindCall));

    private static readonly WordKind OnOff = new(("on", true), ("off", false));

    /// <summary>The keys in the order of the reference.</summary>
    public static IEnumerable<PolicyKey> All() =>
        [.. Identity(), .. Reach(), .. Filesystem(), Degrade()];

    /// <summary>Which namespaces, and who guests are in them.</summary>
    private static IEnumerable<PolicyKey> Identity()
    {
        yield return new(
            "isolation.namespaces",
            OneOf(
                "namespaces such as mount", "namespace", NamespaceTypes.All, NamespaceTypes.Name),
            "none", "[user, mount, pid, net, ipc, uts, cgroup]",
            "The types that the run gets new namespaces of. A list replaces that of the layers "
                + "below.",
            static (draft, value, _) =>
                draft.Isolation.SetNamespaces((List<Sourced<NamespaceType>>)value));
        yield return new(
            "isolation.hostname", new HostnameKind(), "the host's", "sandbox",
            "The name that guests see the machine under; needs the uts namespace.",
            static (draft, value, _) => draft.Isolation.Hostname = (string)value);
        yield return User(
            "uid", "the caller's", "1000", "The user id that guests have in their own eyes.",
            static (user, id) => user with { Uid = id });
        yield return User(
            "gid", "the caller's", "1000", "The group id that guests have in their own eyes.",
            static (user, id) => user with { Gid = id });
        yield return User(
            "host_uid", "the caller's", "65534",
            "The user id that guests have on the host, where root runs the sandbox.",
            static (user, id) => user with { HostUid = id });
        yield return User(
            "host_gid", "the caller's", "65534",
            "The group id that guests have on the host, where root runs the sandbox.",
            static (user, id) => user with { HostGid = id });
        yield return new(
            "isolation.capabilities",
            new NameListKind<int>(new(
                "capabilities such as CAP_NET_BIND_SERVICE", "capability",
                static () => CapabilityNames.All, FindCapability)),
            "none where the run has a namespace of its own, else the caller's",
            "[CAP_NET_BIND_SERVICE]",
            "The capabilities that guests hold, and the most that they can hold. A list replaces "
                + "that of the layers below.",
            static (draft, value, node) =>
                draft.Isolation.SetCapabilities((List<Sourced<int>>)value, node.Origin));
    }

    /// <summary>What guests can get at.</summary>
    private static IEnumerable<PolicyKey> Reach()
    {
        yield return new(
            "isolation.network",
            new WordKind(("none", NetworkAccess.None), ("host", NetworkAccess.Host)),
            "by the net namespace", "none",
            "What guests see of the network: none adds the net namespace, host takes that of the "
                + "layers below out.",
            static (draft, value, node) =>
                draft.Isolation.SetNetwork(new((NetworkAccess)value, node.Origin)));
        yield return new(
            "isolation.time_offset.monotonic", IsolationForms.Offset, "0s", "1h",
            "What is added to the monotonic clock; may be negative.",
            static (draft, value, _) => draft.Isolation.TimeOffset =
                draft.Isolation.TimeOffset with { Monotonic = (TimeSpan)value });
        yield return new(
            "isolation.time_offset.boottime", IsolationForms.Offset, "0s", "-10m",
            "What is added to the clock since boot; may be negative.",
            static (draft, value, _) => draft.Isolation.TimeOffset =
                draft.Isolation.TimeOffset with { Boottime = (TimeSpan)value });
        yield return Syscalls("deny", "Calls and groups that guests may not use.");
        yield return Syscalls(
            "allow", "Calls and groups that are taken out of what lower layers deny, or single "
                + "calls out of a group of the same layer.");
        yield return new(
            "isolation.landlock", OnOff, "on where there is a file view, if the kernel has it",
            "on",
            "Whether Landlock, as a second fence, holds guests to the file rules. Under it "
                + "nobody can mount anything.",
            static (draft, value, _) => draft.Isolation.Landlock = (bool)value);
        yield return new(
            "isolation.set_id", new WordKind(("deny", false), ("allow", true)),
            "deny where there is a file view", "allow",
            "Whether guests may make files that run with the rights of their owner or group "
                + "(set-user-ID, set-group-ID): on the host whoever runs one has the guest's "
                + "rights, which are the caller's. Denied is EPERM, and openat2 is ENOSYS.",
            static (draft, value, _) => draft.Isolation.SetId = (bool)value);
        yield return new(
            "isolation.keyring", OnOff, "off", "on",
            "Whether the run gets a new session keyring instead of the caller's.",
            static (draft, value, _) => draft.Isolation.Keyring = (bool)value);
        yield return PolicyKey.Because("isolation", "it downloads packages");
    }

    private static IEnumerable<PolicyKey> Filesystem()
    {
        yield return new(
            "filesystem.view", new WordKind(("mounts", FileView.Mounts)) { NotYet = "fuse" },
            "mounts", "mounts", "By what means guests see files.",
            static (draft, value, _) => draft.Isolation.View = (FileView)value);
        yield return new(
            "filesystem.default",
            PathMapKind.WordOf(PathMapKind.Words[..5]),
            "no file view: guests see what the caller sees", "ro",
            "What guests can do with files that no path is for.",
            static (draft, value, node) =>
                draft.Isolation.Default = new((FileAccess)value, node.Origin));
        yield return new(
            "filesystem.paths", new PathMapKind(), "none",
            "{/tmp: tmpfs, .: rw, '~': hide, /proc: proc, /dev: dev}",
            "What guests can do below a path.",
            static (draft, value, _) =>
            {
                foreach (PathRule rule in (List<PathRule>)value)
                {
                    draft.Isolation.SetPath(rule);
                }
            });
        yield return PolicyKey.Because("filesystem", "it installs into /usr");
    }

    private static PolicyKey Degrade() => new(
        "degrade",
        OneOf("protections such as cgroup", "protection", Protections.All, Protections.Name),
        "none: a run that cannot have all does not start", "[cgroup, time]",
        "The protections that the run may go without when the host cannot give them. A list "
            + "replaces that of the layers below. Each that it goes without is said, and stands "
            + "in the result.",
        static (draft, value, _) =>
            draft.Isolation.Degrade = [.. (List<Sourced<Protection>>)value]);

    private static PolicyKey User(
        string name, string usual, string example, string description,
        Func<IsolatedUser, int, IsolatedUser> set) => new(
        "isolation.user." + name, new IntegerKind(0, IsolationPolicy.MostId), usual, example,
        description,
        (draft, value, _) => draft.Isolation.User = set(draft.Isolation.User, (int)value));

    private static PolicyKey Syscalls(string name, string description) => new(
        "isolation.syscalls." + name, Calls, "nothing",
        name == "deny" ? "['@mount', ptrace]" : "[chroot]", description,
        (draft, value, _) =>
        {
            foreach (Sourced<SyscallName> call in (List<Sourced<SyscallName>>)value)
            {
                draft.Isolation.Syscalls.Name(call.Value, name == "deny", call.Origin);
            }
        });

    /// <summary>A list of values that have a name each.</summary>
    private static NameListKind<T> OneOf<T>(
        string describe, string noun, ImmutableArray<T> all, Func<T, string> nameOf)
    {
        return new(new(describe, noun, () => all.Select(nameOf), Find));

        bool Find(string name, out T found, out string? why)
        {
            int at = 0;
            while (at < all.Length && nameOf(all[at]) != name)
            {
                at++;
            }

            (found, why) = (at < all.Length ? all[at] : default!, null);
            return at < all.Length;
        }
    }

    private static bool FindCapability(string name, out int bit, out string? why)
    {
        why = null;
        return CapabilityNames.TryParse(name, out bit);
    }

    private static bool FindCall(string name, out SyscallName found, out string? why)
    {
        found = SyscallName.Find(name)!;
        why = SyscallGroups.Unjudged(name);
        return found is not null && why is null;
    }
}
