using System;
using System.Text;
using Interpose.Launch;
using static Interpose.Abi.Uapi;

namespace Interpose.Isolation;

/// <summary>What a task does in the new namespaces of a run, files apart.</summary>
internal static class NamespaceSteps
{
    private const int InterfaceNameSize = 16;
    private const int InterfaceRequestSize = 40;

    /// <summary>The name of the host: sethostname(2).</summary>
    public static void PlanHostname(LaunchPlan plan, string name)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(name);
        plan.Add("sethostname", name, __NR_sethostname, plan.Text(bytes), bytes.Length);
    }

    /// <summary>The loopback device goes up: netdevice(7).</summary>
    public static unsafe void PlanLoopback(LaunchPlan plan)
    {
        const string lo = "the loopback device";
        byte* request = (byte*)plan.Allocate(InterfaceRequestSize);
        "lo"u8.CopyTo(new Span<byte>(request, InterfaceNameSize));
        *(short*)(request + InterfaceNameSize) = IFF_UP | IFF_RUNNING;
        Slot socket = plan.AddKeeping("socket for", lo, __NR_socket, AF_INET, SOCK_DGRAM, 0);
        plan.Add("ioctl(SIOCSIFFLAGS) of", lo, __NR_ioctl, socket, SIOCSIFFLAGS, (nint)request);
        plan.Add("close", lo, __NR_close, socket);
    }

    /// <summary>An empty session keyring in place of the caller's: keyctl(2).</summary>
    public static void PlanKeyring(LaunchPlan plan) => plan.Add(
        "keyctl(KEYCTL_JOIN_SESSION_KEYRING) of", "the command", __NR_keyctl,
        KEYCTL_JOIN_SESSION_KEYRING, 0);

    /// <summary>
    /// A time namespace, which the task enters with its next exec: time_namespaces(7).
    /// </summary>
    public static void PlanTime(LaunchPlan plan, (long Monotonic, long Boottime) offsets)
    {
        plan.Add(
            "unshare(CLONE_NEWTIME) of", "the command", __NR_unshare, (nint)CLONE_NEWTIME);
        if (offsets != default)
        {
            plan.AddWrite(
                AT_FDCWD, "/proc/self/timens_offsets",
                $"monotonic {Parts(offsets.Monotonic)}\nboottime {Parts(offsets.Boottime)}\n");
        }
    }

    private static string Parts(long nanoseconds)
    {
        const long second = 1_000_000_000;
        long seconds = Math.DivRem(nanoseconds, second, out long rest);
        return rest < 0 ? $"{seconds - 1} {rest + second}" : $"{seconds} {rest}";
    }
}
