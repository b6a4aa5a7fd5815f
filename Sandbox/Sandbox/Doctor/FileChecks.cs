using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.Probes;
using static Interpose.Abi.Uapi;

namespace Sandbox.Doctor;

/// <summary>What rules for files can be built on: landlock(7) and fuse(4).</summary>
internal static class FileChecks
{
    public static IEnumerable<Check> Look()
    {
        TrialOutcome landlock = Trial.Of(
            "landlock_create_ruleset", __NR_landlock_create_ruleset, 0, 0,
            (nint)LANDLOCK_CREATE_RULESET_VERSION);
        yield return landlock.Ok
            ? new("landlock", "abi", false, CheckState.Ok, $"{HostProcess.LandlockVersion}")
            : new("landlock", "abi", false, CheckState.Missing, "", landlock.ToString(),
                landlock.Errno == Errno.EOPNOTSUPP ? "boot with landlock in lsm=..."
                    : "a kernel with CONFIG_SECURITY_LANDLOCK");
        using var trial = new Trial();
        TrialOutcome fuse = trial
            .Call("open /dev/fuse", __NR_open, trial.Text("/dev/fuse"), O_RDWR).Run();
        yield return new(
            "fuse", "device", false, fuse.Ok ? CheckState.Ok : CheckState.Missing,
            fuse.Ok ? "/dev/fuse" : "", fuse.ToString(), fuse.Ok ? ""
                : fuse.Errno is Errno.EACCES or Errno.EPERM ? "sudo chmod a+rw /dev/fuse"
                : "sudo modprobe fuse");
    }
}
