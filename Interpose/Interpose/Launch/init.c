/*
 * Pid 1 of a run that has pids of its own. It takes the ends of what has lost its parent, and
 * ends when nothing is left. Nothing else: signals reach the command from the supervisor, which
 * also knows its status. No library, for it is started once for each run.
 */
#include <asm/unistd_64.h>
#include <linux/prctl.h>

static long call(long nr, long a0, long a1, long a2, long a3)
{
    long ret;
    register long r10 __asm__("r10") = a3;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a0), "S"(a1), "d"(a2), "r"(r10)
                     : "rcx", "r11", "memory");
    return ret;
}

__attribute__((noreturn, used)) void _start(void)
{
    const long interrupted = -4;
    const long all_kinds = 0x40000000;
    long ended;
    call(__NR_prctl, PR_SET_NAME, (long)"init", 0, 0);
    do
        ended = call(__NR_wait4, -1, 0, all_kinds, 0);
    while (ended > 0 || ended == interrupted);
    call(__NR_exit_group, 0, 0, 0, 0);
    __builtin_unreachable();
}
