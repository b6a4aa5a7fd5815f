using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Cgroups;
using Interpose.Probes;
using static Interpose.Abi.Uapi;

namespace Sandbox.Doctor;

/// <summary>cgroups(7): what is mounted, and whether a child may make a group of its own.</summary>
internal static class CgroupChecks
{
    private const string Group = "cgroup";
    private const string Boot =
        "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line and boot";

    private const string Memory = "memory";
    private const string Processors = "cpu";

    /// <summary>Limits of runs by name; the last depends on the scheduler of the disk.</summary>
    private static readonly (string Name, CgroupSpec Spec)[] Limits =
    [
        (Memory, new(Memory: 1UL << 30)), (Processors, new(Cpu: 1)),
        ("io_weight", new(IoWeight: 100)),
    ];

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
        yield return Delegation();
    }

    /// <summary>
    /// A group for each limit is made as a run would make it, and a child comes into it.
    /// </summary>
    private static Check Delegation()
    {
        const string child = "a child";
        CgroupTree tree = CgroupTree.Read();
        var given = new List<string>();
        var lacking = new List<string>();
        string why = string.Empty;
        foreach ((string name, CgroupSpec spec) in Limits)
        {
            using RunCgroup? group = RunCgroup.Create(
                tree, spec, RunName.Own.ToString(), out CgroupFailure? failure);
            string? wrong = failure is null ? null
                : $"{failure.Step} {failure.Object}: {failure.Errno.Describe()}";
            using var trial = new Trial();
            foreach (CgroupEntrance entrance in group?.Entrances ?? [])
            {
                trial.Call(
                    $"write 0 to {entrance.File}", __NR_write, entrance.Fd, trial.Text("0"), 1);
            }

            TrialOutcome outcome = group is null ? default : trial.Run();
            wrong ??= outcome.Ok ? null : $"{child}: {outcome}";
            group?.Remove();
            (wrong is null ? given : lacking).Add(name);
            why = why.Length > 0 || wrong is null ? why : $"no {name}: {wrong}";
        }

        bool able = !lacking.Contains(Memory) && !lacking.Contains(Processors);
        return new(
            Group, "delegation", false,
            able ? CheckState.Ok : given.Count > 0 ? CheckState.Partial : CheckState.Missing,
            given.Count == 0 ? "no limits" : string.Join(' ', given), able ? "" : why,
            able ? "" : "systemd-run --user --scope -p Delegate=yes sandbox run ...");
    }
}
