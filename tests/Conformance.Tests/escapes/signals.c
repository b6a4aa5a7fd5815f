/*
 * Signals and limits against the supervisor, whose user the guest shares. Expected: while it is
 * stopped no task is made, and afterwards the call goes on; a flood of signals with forged
 * senders stops nobody's creations; with its limits taken away it may fail, but what the policy
 * denies stays denied; killed, it takes every guest along.
 */
#define _GNU_SOURCE
#include "escape.h"

#include <limits.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

enum { FLOODERS = 3, CREATIONS = 300, STUBBORN = 5 };

static volatile int *shared;

static void pause_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* One task more, and its end seen. */
static int creation(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0 && ended(pid) == 0;
}

static void stop(pid_t aim)
{
    pid_t forker = fork();
    if (forker == 0) {
        while (!shared[0])
            pause_ms(1);
        shared[1] = creation() ? 1 : -1;
        _exit(0);
    }

    pid_t late = fork();
    if (late == 0) {
        kill(aim, SIGSTOP);
        pause_ms(100);
        shared[0] = 1;
        pause_ms(400);
        shared[2] = shared[1];
        kill(aim, SIGCONT);
        _exit(0);
    }

    ended(late);
    ended(forker);
    printf("made while stopped %d, made afterwards %d\n", shared[2], shared[1]);
}

static void flood_with(pid_t aim, int sig, pid_t forged)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = sig;
    info.si_code = SI_QUEUE;
    info.si_pid = forged;
    syscall(SYS_rt_sigqueueinfo, aim, sig, &info);
}

static void flood(pid_t aim)
{
    const int signals[] = {SIGCHLD, SIGWINCH, SIGURG, SIGCONT, SIGUSR1, SIGPIPE};
    const pid_t forged[] = {-1, 0, INT_MIN, INT_MAX, 1, aim, getpid(), -getpid()};
    pid_t flooders[FLOODERS];
    int made = 0;
    signal(SIGUSR1, SIG_IGN);
    for (int i = 0; i < FLOODERS; i++)
        if ((flooders[i] = fork()) == 0)
            for (unsigned n = 0;; n++) {
                flood_with(aim, signals[n % 6], forged[n / 6 % 8]);
                shared[3] = 1;
            }
    while (!shared[3])
        pause_ms(1);
    while (made < CREATIONS && creation())
        made++;
    for (int i = 0; i < FLOODERS; i++) {
        kill(flooders[i], SIGKILL);
        ended(flooders[i]);
    }

    printf("made in the flood %d\n", made);
}

static void limits(pid_t aim)
{
    const int resources[] = {RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_SIGPENDING, RLIMIT_NPROC,
                             RLIMIT_STACK};
    struct rlimit none = {0, 0};
    for (unsigned i = 0; i < sizeof resources / sizeof *resources; i++)
        prlimit(aim, resources[i], &none, NULL);
    int granted = 0;
    for (int i = 0; i < 50; i++) {
        pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
        if (pid == 0)
            _exit(0);
        granted += pid > 0;
        granted += unshare(CLONE_NEWUTS) == 0;
        creation();
    }

    printf("granted %d\n", granted);
}

/* Guests that would rather stay: deaf, stopped, in a session of their own, asleep in vfork. */
static void stubborn(int kind)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid();
    if (kind == 1) {
        __atomic_fetch_add(&shared[4], 1, __ATOMIC_SEQ_CST);
        raise(SIGSTOP);
    } else if (kind == 2 && vfork() == 0) {
        __atomic_fetch_add(&shared[4], 1, __ATOMIC_SEQ_CST);
        for (;;)
            pause();
    } else if (kind == 3) {
        __atomic_fetch_add(&shared[4], 1, __ATOMIC_SEQ_CST);
        for (;;)
            creation();
    } else {
        __atomic_fetch_add(&shared[4], 1, __ATOMIC_SEQ_CST);
    }

    for (;;)
        pause();
}

static void murder(pid_t aim)
{
    for (int kind = 0; kind < STUBBORN; kind++)
        if (fork() == 0)
            stubborn(kind);
    while (shared[4] < STUBBORN)
        pause_ms(1);
    printf("ready\n");
    fflush(stdout);
    kill(aim, SIGKILL);
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    pid_t aim = supervisor();
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!strcmp(what, "stop"))
        stop(aim);
    else if (!strcmp(what, "flood"))
        flood(aim);
    else if (!strcmp(what, "limits"))
        limits(aim);
    else if (!strcmp(what, "kill"))
        murder(aim);
    return 0;
}
