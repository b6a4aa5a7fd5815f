using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Launch;

/// <summary>
/// What the supervisor gives up, in all its threads, once the first task is attached. That one
/// has its own credentials since it was created, and inherits none of this.
/// </summary>
public static class Confinement
{
    /// <summary>
    /// The capabilities without which guests with other rights than ours could not be held:
    /// their memory read and their state told (SYS_PTRACE), their end brought about (KILL), their
    /// resources set (SYS_NICE, SYS_RESOURCE, and DAC_OVERRIDE for files in /proc).
    /// </summary>
    public const ulong Needed = 1UL << CAP_SYS_PTRACE | 1UL << CAP_KILL | 1UL << CAP_SYS_NICE
        | 1UL << CAP_SYS_RESOURCE | 1UL << CAP_DAC_OVERRIDE;

    /// <summary>Gives up every capability but <see cref="Needed"/>: capset(2).</summary>
    public static Errno GiveUpCapabilities() =>
        Native.ErrnoOf(Native.GiveUpCapabilities(Needed));

    /// <summary>
    /// Puts a filter before every thread of this process: seccomp(2), with
    /// SECCOMP_FILTER_FLAG_TSYNC. "If the calling thread's no_new_privs is set, it is set in all
    /// of them": seccomp_sync_threads.
    /// </summary>
    public static unsafe Errno Install(sock_filter[] filter)
    {
        Errno errno = Posix.Prctl(PR_SET_NO_NEW_PRIVS, 1);
        if (errno != Errno.None)
        {
            return errno;
        }

        fixed (sock_filter* code = filter)
        {
            var program = new sock_fprog
            {
                len = (ushort)filter.Length,
                filter = (nuint)code,
            };

            // SAFETY: the kernel copies the program, whose array is pinned meanwhile.
            long result = Native.Quick(
                __NR_seccomp, (nint)SECCOMP_SET_MODE_FILTER,
                (nint)(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW),
                (nint)(&program));

            // A positive result is a thread that could not follow.
            return result > 0 ? Errno.EBUSY : Native.ErrnoOf(result);
        }
    }
}
