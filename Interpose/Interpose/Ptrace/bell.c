/*
 * A wait that signals end, without a moment in which one is missed.
 *
 * wait4(2) takes no mask and no time-out. So the signals that should end it have a handler that
 * writes them down and looks where it came from: before the system call has given its answer, it
 * makes the function return EINTR instead. What is written down lasts until it is taken.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
/* A real-time signal that neither the C library nor the runtime uses. */
#define BELL_TIMER 63
#define SIGNALS 64
#define BIT(sig) (1UL << ((sig)-1))

/* Signals that came and were not taken yet, and the first of each kind. */
__attribute__((used)) static volatile uint64_t bell_rung;
static siginfo_t bell_signals[SIGNALS + 1];
static timer_t bell_timer;

extern const char bell_begin[], bell_end[], bell_out[];

/*
 * sandbox_wait(nr, a0, a1, a2, a3): the call's result, or -EINTR where a signal is written down.
 * A call that restarts after a handler begins at its own instruction again, which is in between.
 */
__asm__(".pushsection .text\n"
        ".globl sandbox_wait\n"
        ".type sandbox_wait, @function\n"
        "sandbox_wait:\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    mov %rdx, %rsi\n"
        "    mov %rcx, %rdx\n"
        "    mov %r8, %r10\n"
        "bell_begin:\n"
        "    cmpq $0, bell_rung(%rip)\n"
        "    jne bell_out\n"
        "    syscall\n"
        "bell_end:\n"
        "    ret\n"
        "bell_out:\n"
        "    mov $-4, %rax\n"
        "    ret\n"
        ".size sandbox_wait, . - sandbox_wait\n"
        ".popsection\n");
_Static_assert(EINTR == 4, "what sandbox_wait returns");

static void ring(int sig, siginfo_t *info, void *context)
{
    greg_t *at = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    if (!(bell_rung & BIT(sig))) {
        bell_signals[sig] = *info;
        bell_rung |= BIT(sig);
    }

    if (*at >= (greg_t)bell_begin && *at < (greg_t)bell_end)
        *at = (greg_t)bell_out;
}

/* Gives signals the handler, and the calling thread a timer: 0 or -errno. */
EXPORT int sandbox_bell_hang(uint64_t signals)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigfillset(&action.sa_mask);
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    action.sa_sigaction = ring;
    signals |= BIT(BELL_TIMER);
    for (int sig = 1; sig <= SIGNALS; sig++) {
        if ((signals & BIT(sig)) && sigaction(sig, &action, 0) < 0)
            return -errno;
    }

    struct sigevent event;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = BELL_TIMER;
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    return timer_create(CLOCK_MONOTONIC, &event, &bell_timer) < 0 ? -errno : 0;
}

/* The handlers stay: their signals are blocked again. */
EXPORT void sandbox_bell_take_down(void)
{
    timer_delete(bell_timer);
    bell_rung = 0;
}

/* Sets the timer, on CLOCK_MONOTONIC. */
EXPORT void sandbox_bell_at(int64_t nanoseconds)
{
    struct itimerspec when = {{0, 0}, {nanoseconds / 1000000000, nanoseconds % 1000000000}};
    timer_settime(bell_timer, TIMER_ABSTIME, &when, 0);
}

/* The next signal that was written down, and forgets it; 0 for none. */
EXPORT int sandbox_bell_take(siginfo_t *info)
{
    uint64_t rung = bell_rung;
    if (rung == 0)
        return 0;
    int sig = __builtin_ctzl(rung) + 1;
    *info = bell_signals[sig];
    __atomic_fetch_and(&bell_rung, ~BIT(sig), __ATOMIC_SEQ_CST);
    return sig;
}
