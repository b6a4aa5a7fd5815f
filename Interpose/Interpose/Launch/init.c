/*
 * Pid 1 of a run that has pids of its own. It takes the ends of what has lost its parent, and
 * ends when nothing is left. Nothing else: signals reach the command from the supervisor, which
 * also knows its status. No library, for it is started once for each run.
 */
#include "call.h"

#include <asm/unistd_64.h>
#include <linux/prctl.h>

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
