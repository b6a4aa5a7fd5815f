using System;
using Interpose.Abi;
using Interpose.Launch;
using Policies;
using Sandbox.Doctor;

namespace Sandbox.Isolation;

/// <summary>What mends a launch that failed, in words.</summary>
internal static class LaunchRemedy
{
    /// <summary>The words, for a run under a policy.</summary>
    public static string Of(in LaunchFailure failed, Policy policy)
    {
        if (failed.Part == GuestLaunch.GroupPart)
        {
            return "the command does not come into the cgroup of its run: " + OfGroup(failed.Errno);
        }

        bool counts = policy.Isolation.Flags == 0;
        string why = counts
            ? "a policy that limits the number of namespaces needs user namespaces"
            : "the policy asks for namespaces";
        string mend = Of(failed);
        return mend.Length > 0 ? $"{why}: {mend}"
            : !counts && !policy.Isolation.Has(NamespaceType.User)
                ? $"{why}, which without root needs user among isolation.namespaces"
            : $"{why}: run 'sandbox doctor'; in a chroot there are none";
    }

    /// <summary>The words alone; empty when there are none.</summary>
    public static string Of(in LaunchFailure failed) =>
        failed.Errno is Errno.EMFILE or Errno.ENFILE
            ? "raise the limit of open files, 'ulimit -n'"
        : failed.IsOutdated
            ? "file systems are mounted or unmounted again and again; run it when they are not"
        : failed.Errno is Errno.EPERM or Errno.EACCES
            && NamespaceChecks.MendAppArmor() is { Length: > 0 } profile ? profile
        : failed.Errno == Errno.EROFS && failed.Part is "" or "user"
            ? "it takes a /proc/sys that can be written"
        : failed.Object.EndsWith("id_map", StringComparison.Ordinal)
            ? "root needs CAP_SETUID, CAP_SETGID and CAP_SETFCAP for the ids of a namespace"
        : failed.Part is not ("" or "user" or "clone") ? OfPart(failed)
        : NamespaceChecks.MendUser();

    private static string OfGroup(Errno errno) => errno switch
    {
        Errno.ENODEV => "somebody removed the group meanwhile; run it again",
        Errno.EBUSY => "somebody gave controllers to groups below it meanwhile; run it again",
        Errno.EINVAL => "real-time tasks do not go into one of version 1 with a limit on "
            + "processors; run it under another scheduling policy, as by 'chrt -o 0'",
        _ => "'sandbox doctor' tells what this host allows",
    };

    private static string OfPart(in LaunchFailure failed) => failed.Part switch
    {
        "files" when (failed.IsMount || failed.Step == "mount of")
            && failed.Object.StartsWith("proc", StringComparison.Ordinal) =>
            "a new /proc needs one of the caller's that nothing covers, which a container may "
                + "not have",
        "files" when failed.Object.StartsWith("overlay", StringComparison.Ordinal) =>
            "a copy-on-write needs overlayfs in the kernel, for users without privileges since "
                + "5.11, and for --keep a directory on a file system of its own kind (not on "
                + "another overlay, a network or FAT)",
        "files" when failed.Errno == Errno.ENOENT =>
            "what the policy names has gone or changed since the run began",
        "files" when failed.Step.StartsWith("mount", StringComparison.Ordinal)
            && failed.Errno is Errno.EPERM or Errno.ENOSYS =>
            "a filter or a security module around the sandbox forbids mounts: docker run "
                + "--security-opt seccomp=unconfined --security-opt apparmor=unconfined",
        "keyring" => "leave out isolation.keyring where the kernel has no keys",
        _ => string.Empty,
    };
}
