using System.Collections.Generic;
using Interpose.Launch;
using Sandbox.Kernel.Rules;
using Sandbox.Supervisor;

namespace Sandbox.Doctor;

/// <summary>The kernel's version: the lowest that the engine is tested with.</summary>
internal static class KernelChecks
{
    private const int LowestMajor = 5;
    private const int LowestMinor = 15;

    public static IEnumerable<Check> Look()
    {
        string release = HostProcess.KernelRelease;
        KernelVersion version = HostFactsReader.Version(release);
        bool enough = version.IsAtLeast(new(LowestMajor, LowestMinor));
        yield return new(
            "kernel", "version", true, enough ? CheckState.Ok : CheckState.Missing,
            release.Length == 0 ? "unknown" : release,
            enough ? "" : $"{LowestMajor}.{LowestMinor} or newer is needed",
            enough ? "" : "sudo apt-get install linux-image-amd64 && sudo reboot");
    }
}
