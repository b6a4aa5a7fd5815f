using Interpose.Cgroups;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Launch;

/// <content>How the first task comes into the cgroup of its run.</content>
internal sealed unsafe partial class LaunchPlan
{
    private const long Skip = -4;
    private (int Step, int Directory)? _birthplace;

    /// <summary>
    /// The task moves itself into a group: cgroups(7). Into one of version 2 it is born where it
    /// can be: a move waits until every processor has passed through the scheduler, and holds up
    /// all forks of the host meanwhile (cgroup_threadgroup_rwsem).
    /// </summary>
    public void AddPlacement(in CgroupEntrance entrance)
    {
        if (entrance.Directory is { } directory)
        {
            _birthplace = (_count, directory);
        }

        Add("write 0 to", entrance.File, __NR_write, entrance.Fd, Text("0"u8), 1);
    }

    /// <summary>
    /// The clone. Where the kernel will not have the child born into its group it is made here,
    /// and moves itself or says why it cannot.
    /// </summary>
    private long Launch()
    {
        _plan->cgroup = -1;
        if (_birthplace is var (step, directory) && _plan->steps[step].nr != Fails)
        {
            long move = _plan->steps[step].nr;
            (_plan->cgroup, _plan->steps[step].nr) = (directory, Skip);

            // SAFETY: the plan and all it points to are native memory that Dispose alone frees.
            long born = Native.Launch(_plan);
            if (born >= 0)
            {
                return born;
            }

            (_plan->cgroup, _plan->steps[step].nr) = (-1, move);
        }

        // SAFETY: as above.
        return Native.Launch(_plan);
    }
}
