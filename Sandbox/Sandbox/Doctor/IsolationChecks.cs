using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Isolation;
using Interpose.Launch;
using Policies;
using Sandbox.Isolation;
using static Interpose.Abi.Uapi;

namespace Sandbox.Doctor;

/// <summary>
/// What runs get for themselves: a task is launched as far as the wait for its supervisor, under
/// one protection after the other, and under the profiles as they ship.
/// </summary>
internal static class IsolationChecks
{
    private const string Group = "isolation";
    private const ulong Own = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID;

    public static IEnumerable<Check> Look()
    {
        yield return Of("files", new() { Namespaces = Own, Files = Tree(MountKind.ReadOnly) });
        yield return Of("proc", new()
        {
            Namespaces = Own,
            Files = Tree(MountKind.ReadWrite, new FileMount("/proc", MountKind.Proc, true)),
        });
        yield return Of("dev", new()
        {
            Namespaces = Own,
            Files = Tree(MountKind.ReadWrite, new FileMount("/dev", MountKind.Dev, true)),
        });
        yield return Of("cow", new()
        {
            Namespaces = Own,
            Files = Tree(MountKind.ReadOnly, new FileMount("/etc", MountKind.CopyOnWrite, true)),
        });
        yield return Of("loopback", new() { Namespaces = CLONE_NEWUSER | CLONE_NEWNET });
        yield return Of("keyring", new() { Namespaces = 0, Keyring = true });
        foreach (string name in new[] { "default", "build" })
        {
            yield return OfProfile(name);
        }
    }

    private static FileTree Tree(MountKind rest, params FileMount[] mounts) =>
        new(rest, mounts, [], "/");

    private static Check OfProfile(string name)
    {
        try
        {
            Policy policy = BuiltinPolicies.Get(name);
            return Of($"profile_{name}", IsolationResolver.Resolve(policy, null)!);
        }
        catch (SetupException e)
        {
            return new(Group, $"profile_{name}", false, CheckState.Missing, "", e.Message);
        }
    }

    private static Check Of(string name, IsolationSpec isolation)
    {
        Check found = Of(name, isolation, out LaunchFailure? failed);
        return failed is { } first
            && LaunchAttempts.WithOlderMounts(isolation, first) is { } older
            && Of(name, older, out _) is { State: CheckState.Ok } other
                ? other with { Found = "by older mount calls" } : found;
    }

    private static Check Of(string name, IsolationSpec isolation, out LaunchFailure? failure)
    {
        using var launch = new GuestLaunch(new LaunchSpec(
            [.. "/"u8], [[.. "/"u8]], [], null, [], KeepsOpenFiles: false, [], [], isolation));
        failure = launch.Create(out HostTid child);
        if (failure is not { } failed)
        {
            launch.Abandon(child);
            return new(Group, name, false, CheckState.Ok);
        }

        return new(
            Group, name, false, CheckState.Missing, "",
            $"{failed.Step} {failed.Object}: {failed.Errno.Describe()}", LaunchRemedy.Of(failed));
    }
}
