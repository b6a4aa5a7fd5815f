using System;
using System.Collections.Generic;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Seccomp;

/// <content>
/// Files that run with the rights of their owner or group: every call that can make one has the
/// mode in a register, but for openat2, which reads it from memory.
/// </content>
public sealed partial class CreationFilter
{
    private const uint SetIdBits = S_ISUID | S_ISGID;

    /// <summary>Adds the calls, but those that the policy denies altogether.</summary>
    private void AddSetId(
        SortedDictionary<int, Action> calls, SortedDictionary<int, FilterLabel> denied)
    {
        if (_maySetId)
        {
            return;
        }

        foreach ((int number, Action look) in new (int, Action)[]
        {
            (__NR_chmod, () => Mode(1)), (__NR_fchmod, () => Mode(1)),
            (__NR_fchmodat, () => Mode(2)), (__NR_fchmodat2, () => Mode(2)),
            (__NR_mknod, () => Mode(1)), (__NR_mknodat, () => Mode(2)),
            (__NR_creat, () => Mode(1)), (__NR_open, () => Opened(1)),
            (__NR_openat, () => Opened(2)),
            (__NR_openat2, () => _code.Return(ErrorAction(Errno.ENOSYS))),
        })
        {
            if (!denied.ContainsKey(number))
            {
                calls.Add(number, look);
            }
        }
    }

    private void Mode(int argument)
    {
        _code.LoadArgument(argument);
        _code.Jump(BPF_JSET, SetIdBits, Error(Errno.EPERM));
        _code.Return(SECCOMP_RET_ALLOW);
    }

    /// <summary>The mode follows the flags, and means something where a file is made.</summary>
    private void Opened(int flags)
    {
        var makes = new FilterLabel();
        _code.LoadArgument(flags);
        _code.Jump(BPF_JSET, O_CREAT | (O_TMPFILE & ~O_DIRECTORY), makes);
        _code.Return(SECCOMP_RET_ALLOW);
        _code.Bind(makes);
        Mode(flags + 1);
    }
}
