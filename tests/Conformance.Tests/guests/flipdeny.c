/*
 * Threads, or another process, flip the flags of a clone3 struct between none and namespaces,
 * which the policy denies. Says whether a child ever had a namespace of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FLIPPERS = 2, CALLS_MOST = 200000, CHUNK = 1024 };

struct shared {
    struct clone_args args;
    long flips;
};

static struct shared *shared;

static void *flip(void *arg)
{
    volatile struct clone_args *args = &shared->args;
    for (;;) {
        for (int i = 0; i < CHUNK; i++) {
            args->flags = CLONE_NEWUSER | CLONE_NEWUTS;
            args->flags = 0;
        }

        __atomic_fetch_add(&shared->flips, 2 * CHUNK, __ATOMIC_RELAXED);
    }

    return arg;
}

static void uts_of(char *link, size_t size)
{
    ssize_t got = readlink("/proc/self/ns/uts", link, size - 1);
    link[got > 0 ? got : 0] = 0;
}

int main(int argc, char **argv)
{
    long calls_least = argc > 2 ? atol(argv[2]) : 100, flips_least = argc > 3 ? atol(argv[3]) : 0;
    int threads = argc > 1 && strcmp(argv[1], "threads") == 0;
    char mine[64], now[64];
    uts_of(mine, sizeof mine);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared->args.exit_signal = SIGCHLD;
    pid_t other = threads ? 0 : fork();
    if (!threads && other == 0)
        flip(NULL);
    for (int i = 0; threads && i < FLIPPERS; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, flip, NULL);
    }

    long calls = 0, made = 0, denied = 0, wrong = 0;
    for (; calls < CALLS_MOST && (calls < calls_least || made == 0 || denied == 0
           || __atomic_load_n(&shared->flips, __ATOMIC_RELAXED) < flips_least); calls++) {
        long pid = syscall(SYS_clone3, &shared->args, sizeof shared->args);
        if (pid == 0) {
            uts_of(now, sizeof now);
            _exit(strcmp(mine, now) != 0);
        }

        int status = 0;
        if (pid > 0 && waitpid((pid_t)pid, &status, 0) == pid) {
            made++;
            wrong += status != 0;
        } else if (pid < 0 && errno == EPERM) {
            denied++;
        } else {
            wrong++;
        }
    }

    if (!threads)
        kill(other, SIGKILL);
    printf("calls %d, flips %d, made %d, denied %d, wrong %ld\n", calls >= calls_least,
           shared->flips >= flips_least, made > 0, denied > 0, wrong);
    return 0;
}
