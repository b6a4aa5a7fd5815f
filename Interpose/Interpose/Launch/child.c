/*
 * The only native code of the sandbox: what must run where managed code cannot.
 *
 * Between clone and exec the first guest task shares the supervisor's memory and its thread
 * pointer. So nothing here touches errno, the heap or any other library state: the child walks
 * a flat list of system calls that C# wrote, decides nothing, and reports (step, errno).
 */
#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define SIGNALS 64
#define MASK_BYTES 8

static struct start_state start;

EXPORT long sandbox_syscall(long nr, long a0, long a1, long a2, long a3, long a4, long a5)
{
    long ret;
    register long r10 __asm__("r10") = a3;
    register long r8 __asm__("r8") = a4;
    register long r9 __asm__("r9") = a5;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a0), "S"(a1), "d"(a2), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
}

EXPORT const struct start_state *sandbox_start_state(void)
{
    return &start;
}

/* rt_sigaction(2) as the kernel has it. */
struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

/*
 * Runs before the runtime's own start, which ignores SIGPIPE, installs handlers and raises
 * RLIMIT_NOFILE. The signals that the supervisor waits for are blocked here, so that every
 * thread of the process inherits the mask and none can lose one of them.
 */
__attribute__((constructor)) static void take_start_state(int argc, char **argv, char **envp)
{
    start.argc = argc;
    start.argv = argv;
    start.envp = envp;
    for (int sig = 1; sig <= SIGNALS; sig++) {
        struct kernel_sigaction action;
        if (sandbox_syscall(SYS_rt_sigaction, sig, 0, (long)&action, MASK_BYTES, 0, 0) == 0 &&
            action.handler == SIG_IGN)
            start.ignored |= 1UL << (sig - 1);
    }

    struct rlimit nofile = {0, 0};
    sandbox_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&nofile, 0, 0);
    start.nofile_soft = nofile.rlim_cur;
    start.nofile_hard = nofile.rlim_max;
    for (int fd = 0; fd < 3; fd++) {
        if (sandbox_syscall(SYS_fcntl, fd, F_GETFD, 0, 0, 0, 0) < 0) {
            start.closed |= 1UL << fd;
            sandbox_syscall(SYS_open, (long)"/dev/null", O_RDWR, 0, 0, 0, 0);
        }
    }

    static const int waited[] = {SIGCHLD, SIGHUP,  SIGINT,  SIGQUIT, SIGUSR1,  SIGUSR2,  SIGALRM,
                                 SIGTERM, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU,  SIGWINCH, SIGPIPE};
    for (unsigned i = 0; i < sizeof waited / sizeof *waited; i++)
        start.waited |= 1UL << (waited[i] - 1);
    sandbox_syscall(SYS_rt_sigprocmask, SIG_BLOCK, (long)&start.waited, (long)&start.blocked,
                    MASK_BYTES, 0, 0);
}

static void reach(struct launch_plan *plan, uint32_t point)
{
    __atomic_store_n(&plan->reached, point, __ATOMIC_RELEASE);
    sandbox_syscall(SYS_futex, (long)&plan->reached, FUTEX_WAKE, 1, 0, 0, 0);
}

static int run_plan(void *argument)
{
    struct launch_plan *plan = argument;
    uint32_t waits = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct launch_step *step = &plan->steps[i];
        if (step->nr == STEP_WAIT) {
            /* Died before PR_SET_PDEATHSIG was set: no signal will come. */
            if (sandbox_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0) != plan->parent)
                break;
            reach(plan, ++waits);
            uint32_t go;
            while ((go = __atomic_load_n(&plan->go, __ATOMIC_ACQUIRE)) < waits)
                sandbox_syscall(SYS_futex, (long)&plan->go, FUTEX_WAIT, go, 0, 0, 0);
            continue;
        }

        const uint64_t *a = step->args;
        long ret = sandbox_syscall(step->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (ret < 0 && ret != -step->pass) {
            plan->failed_errno = (int32_t)-ret;
            __atomic_store_n(&plan->failed_step, (int32_t)i, __ATOMIC_RELEASE);
            reach(plan, ~0U);
            break;
        }
    }

    sandbox_syscall(SYS_exit_group, 127, 0, 0, 0, 0, 0);
    return 127;
}

/*
 * Creates the child that walks the plan: its id, or -errno. It starts with every signal
 * blocked, so that no handler of the supervisor can run in the memory they share.
 */
EXPORT long sandbox_launch(struct launch_plan *plan)
{
    uint64_t all = ~0UL, before = 0;
    sandbox_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, MASK_BYTES, 0, 0);
    char *top = (char *)plan->stack + plan->stack_size;
    long pid = clone(run_plan, top, CLONE_VM | SIGCHLD, plan);
    long failed = pid < 0 ? -errno : 0;
    sandbox_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, MASK_BYTES, 0, 0);
    return failed ? failed : pid;
}
