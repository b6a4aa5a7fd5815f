using System;
using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.Placement;
using Interpose.Probes;

namespace Sandbox.Doctor;

/// <summary>/proc: what the supervisor reads of a task, read of a child.</summary>
internal static class ProcChecks
{
    private const string Group = "proc";

    public static IEnumerable<Check> Look()
    {
        string missing = Unreadable();
        yield return new(
            Group, "visible", true, missing.Length == 0 ? CheckState.Ok : CheckState.Missing,
            "status, exe and ns of a child", missing.Length == 0 ? "" : $"cannot read {missing}",
            missing.Length == 0 ? "" : "sudo mount -t proc proc /proc");
        string hides = HidePid();
        yield return new(
            Group, "hidepid", false, CheckState.Ok, hides.Length == 0 ? "off" : hides);
    }

    private static string Unreadable()
    {
        using var trial = new Trial();
        if (trial.Hold(out HostTid child) is var errno && errno != Errno.None)
        {
            return errno.Describe();
        }

        string missing = TaskAttributes.Status(child, "Tgid") != (ulong)child.Value ? "status"
            : TaskAttributes.InnermostPid(child) is null ? "NStgid in status"
            : HostProcess.ProgramOf(child) is null ? "exe"
            : TaskAttributes.Namespace(child, "pid") is null ? "ns/pid" : "";
        trial.End(child);
        return missing.Length == 0 ? "" : $"/proc/{child}: {missing}";
    }

    /// <summary>The option of proc(5) that hides processes of other users.</summary>
    private static string HidePid()
    {
        foreach (MountPoint mount in MountPoint.All())
        {
            if (mount.Target == "/proc" && mount.Type == "proc")
            {
                int at = mount.Options.IndexOf("hidepid=", StringComparison.Ordinal);
                return at < 0 ? "" : mount.Options[at..].Split(',')[0];
            }
        }

        return "";
    }
}
