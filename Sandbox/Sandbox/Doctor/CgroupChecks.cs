using System;
using System.Collections.Generic;
using System.Linq;
using Interpose.Cgroups;
using Interpose.Files;
using Interpose.Probes;
using static Interpose.Abi.Uapi;

namespace Sandbox.Doctor;

/// <summary>cgroups(7): what is mounted, and whether a child may make a group of its own.</summary>
internal static class CgroupChecks
{
    private const string Group = "cgroup";
    private const string Boot =
        "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line and boot";

    private static readonly string[] Wanted = ["cpu", "memory", "pids"];

    public static IEnumerable<Check> Look()
    {
        MountPoint? v2 = null;
        int v1 = 0;
        foreach (MountPoint mount in MountPoint.All())
        {
            v2 ??= mount.Type == "cgroup2" ? mount : null;
            v1 += mount.Type == "cgroup" ? 1 : 0;
        }

        bool only = v2 is not null && v1 == 0;
        yield return new(
            Group, "hierarchy", false,
            only ? CheckState.Ok : v2 is null ? CheckState.Missing : CheckState.Partial,
            v2 is null ? v1 == 0 ? "none" : "v1" : v1 == 0 ? "v2" : "v1 and v2",
            only ? "" : v1 == 0 ? "no hierarchy is mounted" : "v1 has the controllers",
            only ? "" : Boot);
        yield return v2 is null
            ? new(Group, "delegation", false, CheckState.Missing, "", "no cgroup v2 is mounted",
                Boot)
            : Delegation(v2, withV1: v1 > 0);
    }

    /// <summary>A child makes a group below ours and moves into it.</summary>
    /// <param name="mount">Where cgroup v2 is.</param>
    /// <param name="withV1">Whether v1 is there too, and has the controllers.</param>
    private static Check Delegation(MountPoint mount, bool withV1)
    {
        string own = CgroupTree.Read().Unified ?? mount.Target;
        string group = $"{own}/sandbox-doctor-{Environment.ProcessId}";
        using var trial = new Trial();
        TrialOutcome outcome = trial
            .Call($"mkdir {group}", __NR_mkdir, trial.Text(group), 0x1ed)
            .Call("close_range", __NR_close_range, 3, int.MaxValue)
            .Call("open cgroup.procs", __NR_open, trial.Text(group + "/cgroup.procs"), O_WRONLY)
            .Call("write cgroup.procs", __NR_write, 3, trial.Text("0"), 1)
            .Run();
        using var after = new Trial();
        after.Call("rmdir", __NR_rmdir, after.Text(group)).Run();
        string controllers = string.Join(
            ' ', TextFile.Lines(own + "/cgroup.controllers")).Trim();
        string lacking = string.Join(" and ", Wanted.Except(controllers.Split(' ')));
        bool able = outcome.Ok && lacking.Length == 0;
        return new(
            Group, "delegation", false,
            able ? CheckState.Ok : outcome.Ok ? CheckState.Partial : CheckState.Missing,
            controllers.Length == 0 ? "no controllers" : controllers,
            able ? "" : outcome.Ok ? $"cgroup v2 has no {lacking} here" : outcome.ToString(),
            able ? "" : withV1 ? Boot
                : "systemd-run --user --scope -p Delegate=yes sandbox run ...");
    }
}
