using Interpose.Abi;
using Interpose.Files;
using Interpose.Launch;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Isolation;

/// <summary>The capabilities of this process, and how a task gives up its own.</summary>
public static class Privileges
{
    private const int SetsSize = 24;

    /// <summary>
    /// Whether this process can make the namespaces of a run by its own privileges, so that they
    /// belong to its own user namespace and no guest has any power over them.
    /// </summary>
    public static bool CanIsolate()
    {
        const ulong needed = 1UL << CAP_SYS_ADMIN | 1UL << CAP_SETUID | 1UL << CAP_SETGID
            | 1UL << CAP_SETPCAP | 1UL << CAP_SYS_PTRACE | 1UL << CAP_DAC_OVERRIDE;
        return (Effective() & needed) == needed;
    }

    /// <summary>The effective capabilities of this process, as bits.</summary>
    /// <remarks>Not from /proc, which may be of other pids: capget(2).</remarks>
    public static unsafe ulong Effective()
    {
        uint* header = stackalloc uint[] { _LINUX_CAPABILITY_VERSION_3, 0 };
        uint* sets = stackalloc uint[SetsSize / sizeof(uint)];

        // SAFETY: the kernel reads and writes locals of the size that the version has.
        long result = Native.Quick(__NR_capget, (nint)header, (nint)sets);
        return result == 0 ? sets[0] | ((ulong)sets[3] << 32) : 0;
    }

    /// <summary>A task takes on the ids of the guest: setresuid(2), and no other groups.</summary>
    /// <param name="plan">The plan, up to here.</param>
    /// <param name="uid">As the task's own user namespace has it.</param>
    /// <param name="gid">As with users.</param>
    internal static void PlanIds(LaunchPlan plan, int uid, int gid)
    {
        const string ids = "the ids of the guest";

        // In a user namespace that denies it the groups are what they are: user_namespaces(7).
        if (TextFile.Read("/proc/self/setgroups") is not "deny\n")
        {
            plan.Add("setgroups to", ids, __NR_setgroups, 0, 0);
        }

        plan.Add("setresgid to", ids, __NR_setresgid, gid, gid, gid);
        plan.Add("setresuid to", ids, __NR_setresuid, uid, uid, uid);
    }

    /// <summary>A task gives up all capabilities that it holds.</summary>
    internal static void PlanNone(LaunchPlan plan, string of) =>
        plan.Add("capset of", of, __NR_capset, Header(plan), Sets(plan, 0));

    /// <summary>
    /// A task, and what comes of it, can have these capabilities and no others. What it runs
    /// holds them from the start; the user id 0 gives nothing: capabilities(7).
    /// </summary>
    internal static void PlanLimit(LaunchPlan plan, ulong capabilities)
    {
        const string what = "the capabilities of the command";
        const int most = 63;
        for (int capability = 0; capability <= most; capability++)
        {
            if ((capabilities & (1UL << capability)) == 0)
            {
                // EINVAL where the kernel knows no such capability.
                plan.AddPassing(
                    Errno.EINVAL, "prctl(PR_CAPBSET_DROP) of", what, __NR_prctl,
                    PR_CAPBSET_DROP, capability, 0, 0, 0);
            }
        }

        plan.Add(
            "prctl(PR_SET_SECUREBITS) of", what, __NR_prctl, PR_SET_SECUREBITS,
            SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
        plan.Add(
            "prctl(PR_CAP_AMBIENT) of", what, __NR_prctl, PR_CAP_AMBIENT,
            PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        plan.Add("capset of", what, __NR_capset, Header(plan), Sets(plan, capabilities));
        for (int capability = 0; capability <= most; capability++)
        {
            if ((capabilities & (1UL << capability)) != 0)
            {
                plan.Add(
                    "prctl(PR_CAP_AMBIENT_RAISE) of", what, __NR_prctl, PR_CAP_AMBIENT,
                    PR_CAP_AMBIENT_RAISE, capability, 0, 0);
            }
        }
    }

    private static unsafe nint Header(LaunchPlan plan)
    {
        uint* header = (uint*)plan.Allocate(2 * sizeof(uint));
        header[0] = _LINUX_CAPABILITY_VERSION_3;
        return (nint)header;
    }

    /// <summary>Effective, permitted and inheritable, by halves of the bits.</summary>
    private static unsafe nint Sets(LaunchPlan plan, ulong capabilities)
    {
        uint* sets = (uint*)plan.Allocate(SetsSize);
        for (int i = 0; i < 6; i++)
        {
            sets[i] = i < 3 ? (uint)capabilities : (uint)(capabilities >> 32);
        }

        return (nint)sets;
    }
}
