using System;
using Interpose.Abi;
using Interpose.Files;
using Interpose.Isolation;
using Interpose.Launch;
using Policies;

namespace Sandbox.Isolation;

/// <summary>Turns the sections <c>isolation</c> and <c>filesystem</c> into a launch.</summary>
internal static class IsolationResolver
{
    private const long NanosecondsPerTick = 100;

    /// <summary>What the run gets; null when it gets nothing.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="directory">The directory of <c>--chdir</c>; null for the caller's.</param>
    /// <exception cref="SetupException">It cannot be had by this caller, or here.</exception>
    public static IsolationSpec? Resolve(Policy policy, string? directory)
    {
        IsolationPolicy isolation = policy.Isolation;
        GuestIds? ids = Ids(isolation);
        if (isolation.Flags == 0 && !isolation.LimitsCapabilities && !isolation.Keyring
            && ids is null)
        {
            return null;
        }

        if (isolation.Has(NamespaceType.Pid)
            && HostProcess.LinkAt("/proc/self") != $"{Environment.ProcessId}")
        {
            // The command's id would be another process's.
            throw new SetupException(
                "cannot use", "/proc", Errno.ESRCH,
                "it is of other pids than the sandbox's; mount one that is of its own");
        }

        (TimeSpan monotonic, TimeSpan boottime) = isolation.TimeOffset;
        return new()
        {
            Namespaces = isolation.Flags,
            User = ids,
            Hostname = isolation.Hostname,
            Keyring = isolation.Keyring,
            Capabilities = isolation.LimitsCapabilities ? isolation.Capabilities : null,
            TimeOffsets = (
                monotonic.Ticks * NanosecondsPerTick, boottime.Ticks * NanosecondsPerTick),
            Files = isolation.Has(NamespaceType.Mount) ? Files(policy, directory) : null,
            Landlock = Landlock(policy),
        };
    }

    /// <summary>The version of Landlock to use; 0 for none.</summary>
    private static int Landlock(Policy policy)
    {
        int version = policy.UsesLandlock ? HostProcess.LandlockVersion : 0;
        bool mustHave = policy.Isolation.Landlock == true
            && !policy.MayDegrade(Protection.Landlock);
        return version >= 0 || !mustHave ? Math.Max(version, 0) : throw new SetupException(
            "landlock_create_ruleset for", "isolation.landlock", (Errno)(-version),
            "a kernel with CONFIG_SECURITY_LANDLOCK, and lsm=landlock on its command line");
    }

    private static FileTree Files(Policy policy, string? directory)
    {
        Errno errno = HostProcess.Resolve(".", out string here, out _);
        if (errno != Errno.None)
        {
            throw new SetupException("cannot tell", "the current directory", errno, string.Empty);
        }

        string start = here;
        errno = directory is null ? Errno.None
            : HostProcess.Resolve(directory, out start, out _);
        return errno == Errno.None ? FileRules.Resolve(policy, here, start)
            : throw new SetupException("cannot change to", directory!, errno, string.Empty);
    }

    /// <summary>Whether this user namespace has an id: user_namespaces(7).</summary>
    private static bool IsMapped(string kind, int id)
    {
        string[] lines = TextFile.Lines($"/proc/self/{kind}_map");
        bool isMapped = lines.Length == 0;
        foreach (string line in lines)
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            isMapped |= words.Length == 3 && long.TryParse(words[0], out long first)
                && long.TryParse(words[2], out long count) && id >= first && id - first < count;
        }

        return isMapped;
    }

    /// <summary>The guest's ids; null when nothing is asked for and nothing follows.</summary>
    private static GuestIds? Ids(IsolationPolicy isolation)
    {
        IsolatedUser asked = isolation.User;
        bool hasUser = isolation.Has(NamespaceType.User);
        if (asked == default && !hasUser)
        {
            return null;
        }

        (int user, int group) = HostProcess.EffectiveIds;
        bool isRoot = user == 0;
        int hostUser = isRoot ? asked.HostUid ?? user : user;
        int hostGroup = isRoot ? asked.HostGid ?? group : group;
        var ids = new GuestIds(
            asked.Uid ?? hostUser, hostUser, asked.Gid ?? hostGroup, hostGroup);
        if ((hostUser != user || hostGroup != group) && !Privileges.CanIsolate())
        {
            throw new SetupException(
                "isolation.user: root without CAP_SYS_ADMIN cannot give the guest",
                $"the host id {hostUser}", Errno.EPERM,
                "start the sandbox as another user, or --set isolation.user.host_uid=0 "
                    + "--set isolation.user.host_gid=0");
        }

        if ((hostUser != user && !IsMapped("uid", hostUser))
            || (hostGroup != group && !IsMapped("gid", hostGroup)))
        {
            throw new SetupException(
                "isolation.user: the user namespace that the sandbox is in does not have",
                $"the ids {hostUser}:{hostGroup}", Errno.EINVAL,
                $"map them, or --set isolation.user.host_uid={user} "
                    + $"--set isolation.user.host_gid={group}");
        }

        if (!hasUser && (ids.Uid != hostUser || ids.Gid != hostGroup))
        {
            throw new SetupException(
                "isolation.user: ids other than the host's need", "a user namespace",
                Errno.EINVAL, "add user to isolation.namespaces");
        }

        return ids;
    }
}
