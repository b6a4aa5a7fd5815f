using System;
using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Files;
using Interpose.Isolation;
using Interpose.Probes;
using Policies;
using static Interpose.Abi.Uapi;

namespace Sandbox.Doctor;

/// <summary>namespaces(7): a child makes one of each type, within a user namespace.</summary>
internal static class NamespaceChecks
{
    private const string Group = "namespaces";
    private const int Enough = 16;
    private const string AppArmor = "kernel.apparmor_restrict_unprivileged_userns";

    /// <summary>The switches that close user namespaces, with what opens them.</summary>
    private static readonly (string Name, string Path, int Open)[] Switches =
    [
        ("max_user_namespaces", "user.max_user_namespaces", 15000),
        ("unprivileged_userns_clone", "kernel.unprivileged_userns_clone", 1),
        ("apparmor_restrict", AppArmor, 0),
    ];

    public static IEnumerable<Check> Look()
    {
        TrialOutcome user = Make(CLONE_NEWUSER, mounts: false);
        yield return user.Ok ? new(Group, "user", false, CheckState.Ok)
            : new(Group, "user", false, CheckState.Missing, "", user.ToString(), MendUser());
        foreach (NamespaceType type in NamespaceTypes.All.Remove(NamespaceType.User))
        {
            (string name, ulong flag) = (type.Name(), type.Flag());
            TrialOutcome inside = Make(CLONE_NEWUSER | flag, flag == CLONE_NEWNS);
            TrialOutcome outcome = inside.Ok ? inside : Make(flag, flag == CLONE_NEWNS);
            yield return new(
                Group, name, false, outcome.Ok ? CheckState.Ok : CheckState.Missing,
                !outcome.Ok ? "" : inside.Ok ? "in a user namespace" : "with privilege only",
                outcome.Ok ? "" : inside.ToString(), outcome.Ok ? "" : Mend(inside, type));
        }

        foreach ((string name, string path, int open) in Switches)
        {
            if (Setting(path) is { } value)
            {
                bool closed = Closes(open, value);
                yield return new(
                    Group, name, false, closed ? CheckState.Partial : CheckState.Ok,
                    $"{path} is {value}", closed ? "it limits user namespaces" : "",
                    closed ? Opening(path, open) : "");
            }
        }
    }

    /// <summary>Whether this host lets this caller make a namespace.</summary>
    public static bool CanMake(NamespaceType type)
    {
        bool isMount = type == NamespaceType.Mount;
        return Make(CLONE_NEWUSER | type.Flag(), isMount).Ok
            || (type != NamespaceType.User && Make(type.Flag(), isMount).Ok);
    }

    /// <summary>
    /// A child makes namespaces. Where mounts are tried it also changes one: some hosts grant a
    /// user namespace, but no capability in it.
    /// </summary>
    private static TrialOutcome Make(ulong flags, bool mounts)
    {
        using var trial = new Trial();
        trial.Call("unshare", __NR_unshare, (nint)flags);
        if (mounts)
        {
            trial.Call("mount", __NR_mount, 0, trial.Text("/"), 0, MS_REC | MS_PRIVATE);
        }

        return trial.Run();
    }

    private static string Mend(in TrialOutcome outcome, NamespaceType type) => outcome.Errno switch
    {
        Errno.ENOSPC => $"sudo sysctl -w user.max_{type.KernelName()}_namespaces=15000",
        Errno.EINVAL => $"a kernel with CONFIG_{type.Name().ToUpperInvariant()}_NS",
        _ => MendUser(),
    };

    /// <summary>
    /// What mends it where AppArmor gives user namespaces of programs without a profile no
    /// rights, as on Ubuntu since 23.10; empty elsewhere, and for who needs none.
    /// </summary>
    public static string MendAppArmor() =>
        !Privileges.CanIsolate() && Setting(AppArmor) is { } value && Closes(0, value)
            ? Opening(AppArmor, 0) : "";

    /// <summary>The command that opens user namespaces; empty when none is known.</summary>
    public static string MendUser()
    {
        foreach ((_, string path, int open) in Switches)
        {
            if (Setting(path) is { } value && Closes(open, value))
            {
                return Opening(path, open);
            }
        }

        return TraceDenial.Filters != 0 ? "docker run --security-opt seccomp=unconfined" : "";
    }

    /// <summary>
    /// What opens a switch. AppArmor's stays closed for all programs but this one: a profile
    /// that confines nothing and may make user namespaces.
    /// </summary>
    private static string Opening(string path, int open)
    {
        const string file = "/etc/apparmor.d/sandbox";
        string program = Environment.ProcessPath ?? "sandbox";
        return !path.Contains("apparmor", StringComparison.Ordinal)
            ? $"sudo sysctl -w {path}={open}"
            : $"echo 'abi <abi/4.0>, profile sandbox {program} flags=(unconfined) {{ userns, }}' "
                + $"| sudo tee {file} && sudo apparmor_parser -r {file}";
    }

    private static bool Closes(int open, long value) => open == 0 ? value != 0
        : value < Math.Min(open, Enough);

    private static long? Setting(string name) =>
        TextFile.Number("/proc/sys/" + name.Replace('.', '/'));
}
