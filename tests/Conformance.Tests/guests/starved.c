/* Forks while other callers of fork are killed, under a supervisor that hardly gets to run. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FORKERS = 6, HOGS = 16 };

/* fork(2) with the same registers in every process, so that nothing but order tells callers. */
static long same_fork(void)
{
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;
    long ret;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"(SYS_fork), "D"(0L), "S"(0L), "d"(0L), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return ret;
}

static pid_t start(void (*run)(volatile int *), volatile int *stop)
{
    pid_t pid = fork();
    if (pid == 0) {
        run(stop);
        _exit(0);
    }

    return pid;
}

static void fork_and_wait(volatile int *stop)
{
    while (!*stop) {
        long pid = same_fork();
        if (pid == 0)
            _exit(0);
        if (pid > 0)
            waitpid((pid_t)pid, NULL, 0);
    }
}

/* Leaves a processor to the supervisor now and then. */
static void hog(volatile int *stop)
{
    const struct timespec rest = {0, 30000000};
    while (!*stop) {
        struct timespec from, now;
        clock_gettime(CLOCK_MONOTONIC, &from);
        do {
            clock_gettime(CLOCK_MONOTONIC, &now);
        } while ((now.tv_sec - from.tv_sec) * 1000000000L + now.tv_nsec - from.tv_nsec
                 < 300000000L);
        nanosleep(&rest, NULL);
    }
}

static void fork_until_killed(volatile int *stop)
{
    for (;;)
        if (same_fork() == 0)
            _exit(0);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 40;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct sched_param none = {0};
    volatile int *stop = mmap(
        NULL, sizeof *stop, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sched_setscheduler(getppid(), SCHED_IDLE, &none))
        return 1;
    signal(SIGCHLD, SIG_DFL);
    pid_t forkers[FORKERS];
    for (int i = 0; i < FORKERS; i++)
        forkers[i] = start(fork_and_wait, stop);
    for (long i = 0; i < cpus + 1 && i < HOGS; i++)
        start(hog, stop);
    srand(7);
    for (int i = 0; i < rounds; i++) {
        struct timespec some = {0, 100000 + rand() % 1500000};
        pid_t pid = start(fork_until_killed, stop);
        nanosleep(&some, NULL);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }

    *stop = 1;
    for (int i = 0; i < FORKERS; i++)
        waitpid(forkers[i], NULL, 0);
    puts("all came back");
    return 0;
}
