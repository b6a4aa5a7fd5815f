using System.Collections.Generic;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.Seccomp;

/// <summary>
/// The seccomp filter of every guest task, in classic BPF: seccomp(2).
/// </summary>
/// <remarks>
/// The architecture is looked at first, then the x32 range, for a number means nothing before
/// both are known. Creation stops for the tracer. A filter with a listener of the guest's own
/// would outrank that stop, so it gets the EBUSY that a second listener gets.
/// </remarks>
internal static class CreationFilter
{
    /// <summary>Tells our stops from those that a filter of the guest's asks for.</summary>
    public const ushort Mark = 0x5342;

    private static readonly int[] Creation = [__NR_clone, __NR_fork, __NR_vfork, __NR_clone3];

    /// <summary>Its kernel threads are seen by no tracer and no filter.</summary>
    private static readonly int[] IoUring =
        [__NR_io_uring_setup, __NR_io_uring_enter, __NR_io_uring_register];

    private const int X32Bit = 0x4000_0000;
    private const uint NumberAt = 0;
    private const uint ArchAt = 4;
    private const uint SecondArgumentAt = 24;

    /// <summary>The program, ready for SECCOMP_SET_MODE_FILTER.</summary>
    public static sock_filter[] Build()
    {
        var code = new List<sock_filter>
        {
            Load(ArchAt),
            Jump(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0),
            Answer(SECCOMP_RET_KILL_PROCESS),
            Load(NumberAt),
            Jump(BPF_JGE, X32Bit, 0, 1),
            Answer(Error(Errno.ENOSYS)),
        };
        foreach (int nr in Creation)
        {
            code.Add(Jump(BPF_JEQ, (uint)nr, 0, 1));
            code.Add(Answer(SECCOMP_RET_TRACE | Mark));
        }

        foreach (int nr in IoUring)
        {
            code.Add(Jump(BPF_JEQ, (uint)nr, 0, 1));
            code.Add(Answer(Error(Errno.EPERM)));
        }

        code.AddRange(
        [
            Jump(BPF_JEQ, __NR_seccomp, 0, 4),
            Load(SecondArgumentAt),
            Jump(BPF_JSET, SECCOMP_FILTER_FLAG_NEW_LISTENER, 0, 1),
            Answer(Error(Errno.EBUSY)),
            Answer(SECCOMP_RET_ALLOW),
            Jump(BPF_JEQ, __NR_ioctl, 0, 4),
            Load(SecondArgumentAt),
            Jump(BPF_JEQ, TIOCSTI, 1, 0),
            Jump(BPF_JEQ, TIOCLINUX, 0, 1),
            Answer(Error(Errno.EPERM)),
            Answer(SECCOMP_RET_ALLOW),
        ]);
        return [.. code];
    }

    private static uint Error(Errno errno) => SECCOMP_RET_ERRNO | (uint)errno;

    private static sock_filter Load(uint offset) =>
        new() { code = (ushort)(BPF_LD | BPF_W | BPF_ABS), k = offset };

    private static sock_filter Jump(int test, uint k, byte yes, byte no) =>
        new() { code = (ushort)(BPF_JMP | test | BPF_K), jt = yes, jf = no, k = k };

    private static sock_filter Answer(uint action) =>
        new() { code = (ushort)(BPF_RET | BPF_K), k = action };
}
