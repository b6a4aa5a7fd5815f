using System;
using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Isolation;
using Interpose.Launch;
using Policies;
using Sandbox.Doctor;

namespace Sandbox.Isolation;

/// <summary>
/// Launches the command with all protections of the policy; where the host cannot give one that
/// the policy may go without, once more without it.
/// </summary>
/// <param name="spec">The command.</param>
/// <param name="policy">The policy.</param>
internal sealed class LaunchAttempts(LaunchSpec spec, Policy policy) : IDisposable
{
    private const int AgainMost = 5;
    private readonly List<(Protection Protection, string Why)> _missing =
        policy.Isolation.Landlock == true && spec.Isolation is { Landlock: 0 }
            ? [(Protection.Landlock, "the kernel has none")] : [];

    private LaunchSpec _spec = spec;
    private int _again;

    /// <summary>The launch that went well, or the last one that did not.</summary>
    public GuestLaunch Launch { get; private set; } = new(spec);

    /// <summary>What the run goes without, and why.</summary>
    public IReadOnlyList<(Protection Protection, string Why)> Missing => _missing;

    /// <summary>The protections that the run has, by name.</summary>
    public IEnumerable<string> Given()
    {
        foreach (Protection protection in Protections.All)
        {
            if (Has(protection))
            {
                yield return protection.Name();
            }
        }
    }

    /// <summary>As <see cref="GuestLaunch.Create"/>.</summary>
    public LaunchFailure? Create(out HostTid command, Action meanwhile)
    {
        while (true)
        {
            LaunchFailure? failure = Launch.Create(out command, meanwhile);
            if (failure is not { } failed)
            {
                return failure;
            }

            if (WithOlderMounts(_spec.Isolation, failed) is { } older && _again++ < AgainMost)
            {
                _spec = _spec with { Isolation = older };
            }
            else if (Culprit(failed) is { } missing)
            {
                _missing.Add(
                    (missing, $"{failed.Step} {failed.Object}: {failed.Errno.Describe()}"));
                _spec = _spec with { Isolation = Without(_spec.Isolation!, missing) };
            }
            else
            {
                return failure;
            }

            Launch.Dispose();
            Launch = new(_spec);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Launch.Dispose();

    /// <summary>
    /// What is tried after a failure, where it may be that a filter around the sandbox refuses the
    /// calls by which it mounts, or where the host has mounted something meanwhile; else null.
    /// </summary>
    public static IsolationSpec? WithOlderMounts(
        IsolationSpec? isolation, in LaunchFailure failed)
    {
        bool isRefused = isolation is { Files: not null, WithOlderMounts: false }
            && failed.Errno is Errno.ENOSYS or Errno.EPERM && failed.IsMount;
        return isRefused ? isolation! with { WithOlderMounts = true }
            : failed.IsOutdated ? isolation : null;
    }

    private bool Has(Protection protection) => protection switch
    {
        Protection.Files => _spec.Isolation?.Files is not null,
        Protection.Landlock => _spec.Isolation is { Landlock: > 0, Files: not null },
        Protection.Keyring => _spec.Isolation is { Keyring: true },
        Protection.Syscalls => !policy.Isolation.Denied.IsEmpty,
        >= Protection.Memory => false,
        _ => _spec.Isolation is { } isolation
            && (isolation.Namespaces & ((NamespaceType)protection).Flag()) != 0,
    };

    /// <summary>
    /// The protection that failed and that the policy may go without; null when there is none.
    /// </summary>
    private Protection? Culprit(in LaunchFailure failed)
    {
        bool isClone = failed.Step.StartsWith("clone of", StringComparison.Ordinal);
        foreach (Sourced<Protection> may in policy.Degrade)
        {
            Protection protection = may.Value;
            bool isIt = isClone
                ? protection < Protection.Files
                    && !NamespaceChecks.CanMake((NamespaceType)protection)
                : failed.Part == protection.Name();
            if (isIt && Has(protection) && !IsKept(protection))
            {
                return protection;
            }
        }

        return null;
    }

    /// <summary>
    /// Without the file view the command would write to the very files whose copies are kept.
    /// </summary>
    private bool IsKept(Protection protection)
    {
        bool keeps = false;
        foreach (FileMount mount in _spec.Isolation?.Files?.Mounts ?? [])
        {
            keeps |= mount.Kept is not null;
        }

        return keeps && protection is Protection.Files or Protection.Mount;
    }

    /// <summary>What is left of an isolation, and of what needs the missing part.</summary>
    private static IsolationSpec Without(IsolationSpec isolation, Protection missing)
    {
        ulong flag = missing < Protection.Files ? ((NamespaceType)missing).Flag() : 0;
        IsolationSpec rest = isolation with { Namespaces = isolation.Namespaces & ~flag };
        return missing switch
        {
            Protection.Mount or Protection.Files => rest with { Files = null, Landlock = 0 },
            Protection.Landlock => rest with { Landlock = 0 },
            Protection.Keyring => rest with { Keyring = false },
            Protection.Uts => rest with { Hostname = null },
            Protection.Time => rest with { TimeOffsets = null },
            Protection.Pid => WithoutMounts(rest, MountKind.Proc),
            Protection.Ipc => WithoutMounts(rest, MountKind.MessageQueues),
            Protection.User => rest with { User = Privileges.CanIsolate() ? rest.User : null },
            _ => rest,
        };
    }

    private static IsolationSpec WithoutMounts(IsolationSpec isolation, MountKind kind)
    {
        if (isolation.Files is not { } files)
        {
            return isolation;
        }

        var rest = new List<FileMount>(files.Mounts);
        rest.RemoveAll(mount => mount.Kind == kind);
        return isolation with { Files = files with { Mounts = rest } };
    }
}
