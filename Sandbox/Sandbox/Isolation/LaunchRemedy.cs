using System;
using Interpose.Abi;
using Interpose.Launch;
using Policies;
using Sandbox.Doctor;

namespace Sandbox.Isolation;

/// <summary>What mends a launch that failed, in words.</summary>
internal static class LaunchRemedy
{
    /// <summary>The words; empty when there are none.</summary>
    public static string Of(in LaunchFailure failed, Policy policy)
    {
        bool counts = policy.Isolation.Flags == 0;
        string why = counts
            ? "a policy that limits the number of namespaces needs user namespaces"
            : "the policy asks for namespaces";
        string mend = NamespaceChecks.MendUser();
        return failed.Errno == Errno.EROFS && failed.Part is "" or "user"
                ? $"{why} and a /proc/sys that can be written"
            : failed.Object.EndsWith("id_map", StringComparison.Ordinal)
                ? $"{why}, and root CAP_SETUID, CAP_SETGID and CAP_SETFCAP for their ids"
            : failed.Part is not ("" or "user") ? OfPart(failed)
            : mend.Length > 0 ? $"{why}: {mend}"
            : !counts && !policy.Isolation.Has(NamespaceType.User)
                ? $"{why}, which without root needs user among isolation.namespaces"
            : $"{why}: run 'sandbox doctor'; in a chroot there are none";
    }

    private static string OfPart(in LaunchFailure failed) => failed.Part switch
    {
        "files" when failed.Step.StartsWith("fs", StringComparison.Ordinal)
            && failed.Object.StartsWith("proc", StringComparison.Ordinal) =>
            "a new /proc needs one of the caller's that nothing covers, which a container may "
                + "not have",
        "files" when failed.Errno == Errno.ENOENT =>
            "what the policy names has gone or changed since the run began",
        "keyring" => "leave out isolation.keyring where the kernel has no keys",
        _ => "run 'sandbox doctor'",
    };
}
