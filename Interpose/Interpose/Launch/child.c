/*
 * The only native code of the sandbox: what must run where managed code cannot.
 *
 * Between clone and exec the first guest task shares the supervisor's memory and its thread
 * pointer. So nothing here touches errno, the heap or any other library state: the child walks
 * a flat list of system calls that C# wrote, decides nothing, and reports (step, errno).
 */
#define _GNU_SOURCE
#include "child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define SIGNALS 64
#define MASK_BYTES 8
/* What of a task's stack, below its end, the kernel is told of. */
#define STACK_BYTES 4096

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

/* A task of its own that shares memory: its id, or -errno. It runs on its own stack. */
static long call_on_stack(long nr, uint64_t a0, uint64_t a1, uint32_t *clears, void (*run)(void *),
                          void *argument)
{
    long ret;
    register uint32_t *r10 __asm__("r10") = clears;
    register long r8 __asm__("r8") = 0;
    register void (*r12)(void *) __asm__("r12") = run;
    register void *r13 __asm__("r13") = argument;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(ret)
                     : "a"(nr), "D"(a0), "S"(a1), "d"(0L), "r"(r10), "r"(r8), "r"(r12), "r"(r13)
                     : "rcx", "r11", "memory");
    return ret;
}

static long clone_on_stack(uint64_t flags, void *stack, uint32_t *clears, void (*run)(void *),
                           void *argument)
{
    return call_on_stack(SYS_clone, flags, (uint64_t)stack, clears, run, argument);
}

/* The same, born into a cgroup. SIZE is that of the stack. */
static long clone_into_cgroup(uint64_t flags, void *stack, uint64_t size, int cgroup,
                              uint32_t *clears, void (*run)(void *), void *argument)
{
    struct clone_args args = {
        .flags = (flags & ~(uint64_t)CSIGNAL) | CLONE_INTO_CGROUP,
        .child_tid = (uint64_t)clears,
        .exit_signal = flags & CSIGNAL,
        .stack = (uint64_t)stack - size,
        .stack_size = size,
        .cgroup = (uint64_t)cgroup,
    };
    return call_on_stack(SYS_clone3, (uint64_t)&args, sizeof args, 0, run, argument);
}

static void reach(struct launch_plan *plan, uint32_t point)
{
    __atomic_store_n(&plan->reached, point, __ATOMIC_RELEASE);
    sandbox_syscall(SYS_futex, (long)&plan->reached, FUTEX_WAKE, 1, 0, 0, 0);
}

/* Waits to be let go. Whether to go on: not when the supervisor died before it armed the kill. */
static int wait_for_go(struct launch_plan *plan, uint32_t wait)
{
    struct pollfd supervisor = {plan->supervisor, POLLIN, 0};
    uint32_t go;
    if (sandbox_syscall(SYS_poll, (long)&supervisor, 1, 0, 0, 0, 0) != 0)
        return 0;
    reach(plan, wait);
    while ((go = __atomic_load_n(&plan->go, __ATOMIC_ACQUIRE)) < wait)
        sandbox_syscall(SYS_futex, (long)&plan->go, FUTEX_WAIT, go, 0, 0, 0);
    return 1;
}

static void run_second(void *argument);

/* When a step is over; an exec is over when it begins. */
static void note_time(struct launch_step *step)
{
    step->ended = __builtin_ia32_rdtsc();
}

EXPORT uint64_t sandbox_cycles(void)
{
    return __builtin_ia32_rdtsc();
}

static void run_plan(struct launch_plan *plan, uint32_t at)
{
    while (at < plan->count) {
        struct launch_step *step = &plan->steps[at];
        uint64_t a[6];
        long ret;
        for (int i = 0; i < 6; i++)
            a[i] = step->from_slots >> i & 1 ? *(uint64_t *)step->args[i] : step->args[i];
        if (step->nr == STEP_SKIP) {
            at++;
            continue;
        }

        if (step->nr == STEP_WAIT) {
            if (!wait_for_go(plan, a[0]))
                break;
            note_time(step);
            at++;
            continue;
        }

        if (step->nr == STEP_FORK) {
            plan->second_step = at + 1;
            ret = clone_on_stack(CLONE_VM | SIGCHLD, plan->second_stack, 0, run_second, plan);
        } else if (step->nr == STEP_FAIL) {
            ret = -(long)a[0];
        } else {
            note_time(step);
            ret = sandbox_syscall(step->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
        }

        if (step->pass < 0)
            ret = ret == step->pass ? 0 : -ELOOP;
        if (ret < 0 && ret != -step->pass) {
            plan->failed_errno = (int32_t)-ret;
            __atomic_store_n(&plan->failed_step, (int32_t)at, __ATOMIC_RELEASE);
            reach(plan, ~0U);
            break;
        }

        note_time(step);
        if (step->to_slot)
            *step->to_slot = ret;
        at = step->nr == STEP_FORK ? a[0] : at + 1;
    }

    sandbox_syscall(SYS_exit_group, 127, 0, 0, 0, 0, 0);
}

static void run_first(void *argument)
{
    run_plan(argument, 0);
}

static void run_second(void *argument)
{
    struct launch_plan *plan = argument;
    run_plan(plan, plan->second_step);
}

/*
 * Creates the child that walks the plan: its id, or -errno. It starts with every signal
 * blocked, so that no handler of the supervisor can run in the memory they share.
 */
EXPORT long sandbox_launch(struct launch_plan *plan)
{
    uint64_t all = ~0UL, before = 0;
    sandbox_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, MASK_BYTES, 0, 0);
    plan->shares = 1;
    uint64_t flags = CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD | plan->namespaces;
    long pid = plan->cgroup < 0
                   ? clone_on_stack(flags, plan->first_stack, &plan->shares, run_first, plan)
                   : clone_into_cgroup(flags, plan->first_stack, STACK_BYTES, plan->cgroup,
                                       &plan->shares, run_first, plan);
    sandbox_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, MASK_BYTES, 0, 0);
    return pid;
}

/* A program of its own, a whole ELF file, and what tells where it lies. */
#define PROGRAM(name, file)                                                                        \
    __asm__(".pushsection .rodata\n"                                                               \
            ".balign 16\n"                                                                         \
            "sandbox_" #name "_begin: .incbin \"" file "\"\n"                                      \
            "sandbox_" #name "_end:\n"                                                             \
            ".popsection\n");                                                                      \
    extern const char sandbox_##name##_begin[], sandbox_##name##_end[];                            \
    EXPORT const char *sandbox_##name##_image(uint64_t *size)                                      \
    {                                                                                              \
        *size = (uint64_t)(sandbox_##name##_end - sandbox_##name##_begin);                         \
        return sandbox_##name##_begin;                                                             \
    }

/* Pid 1 where a run has pids of its own: Launch/init.c. */
PROGRAM(init, INIT_IMAGE)

/* What sets up namespaces that guests make: Namespaces/nssetup.c. */
PROGRAM(nssetup, NSSETUP_IMAGE)

/* What threads keep, and how many have given up the rest. */
static uint64_t kept_capabilities;
static uint32_t given_up;

/* Thread 0 is the calling one. Whether it holds a capability that is not kept: 1, or -errno. */
static long capabilities_of(int tid, struct __user_cap_data_struct sets[2])
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, tid};
    long ret = sandbox_syscall(SYS_capget, (long)&header, (long)sets, 0, 0, 0, 0);
    uint64_t held = sets[0].permitted | (uint64_t)sets[1].permitted << 32;
    return ret < 0 ? ret : (held & ~kept_capabilities) != 0;
}

static long give_up_own(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{0, 0, 0}, {0, 0, 0}};
    long ret = capabilities_of(0, sets);
    if (ret <= 0)
        return ret;
    for (int half = 0; half < 2; half++) {
        uint32_t kept = (uint32_t)(kept_capabilities >> (32 * half));
        sets[half].permitted &= kept;
        sets[half].effective &= kept;
        sets[half].inheritable = 0;
    }

    return sandbox_syscall(SYS_capset, (long)&header, (long)sets, 0, 0, 0, 0);
}

static void on_give_up(int sig)
{
    (void)sig;
    give_up_own();
    __atomic_add_fetch(&given_up, 1, __ATOMIC_RELEASE);
}

/* Asks each thread that holds too much, and waits for it at most a second: how many, or -errno. */
static long ask_threads(int sig)
{
    uint32_t asked = 0, before = __atomic_load_n(&given_up, __ATOMIC_ACQUIRE);
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks)
        return -errno;
    for (struct dirent *task; (task = readdir(tasks));) {
        struct __user_cap_data_struct sets[2] = {{0, 0, 0}, {0, 0, 0}};
        int tid = atoi(task->d_name);
        if (tid > 0 && capabilities_of(tid, sets) > 0 && tgkill(getpid(), tid, sig) == 0)
            asked++;
    }

    closedir(tasks);
    for (int i = 0; i < 1000 && __atomic_load_n(&given_up, __ATOMIC_ACQUIRE) - before < asked; i++)
        usleep(1000);
    return asked;
}

/*
 * Gives up all capabilities but some, in every thread: 0, or -errno. capset(2) is of one thread
 * alone, so each is interrupted by a signal that nobody else uses, until a look finds none that
 * holds more.
 */
EXPORT long sandbox_give_up_capabilities(uint64_t keep)
{
    struct sigaction action = {.sa_handler = on_give_up, .sa_flags = SA_RESTART}, before;
    long ret;
    kept_capabilities = keep;
    if ((ret = give_up_own()) < 0)
        return ret;
    sigfillset(&action.sa_mask);
    if (sigaction(SIGNALS, &action, &before))
        return -errno;
    for (int look = 0; look < 10 && (ret = ask_threads(SIGNALS)) > 0; look++)
        ;
    sigaction(SIGNALS, &before, NULL);
    return ret > 0 ? -EAGAIN : ret;
}
