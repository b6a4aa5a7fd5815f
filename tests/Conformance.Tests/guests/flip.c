/* A thread flips the flags of a clone3 struct all the time; says which kinds of child came. */
#define _GNU_SOURCE
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile struct clone_args args;

static void *flip(void *arg)
{
    for (;;) {
        args.flags = CLONE_NEWUTS | CLONE_NEWUSER;
        args.flags = 0;
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
    int rounds = argc > 1 ? atoi(argv[1]) : 100, kinds[2] = {0, 0};
    char mine[64];
    pthread_t thread;
    uts_of(mine, sizeof mine);
    args.exit_signal = SIGCHLD;
    pthread_create(&thread, NULL, flip, NULL);
    for (int i = 0; i < rounds; i++) {
        long pid = syscall(SYS_clone3, &args, sizeof args);
        if (pid == 0) {
            char now[64];
            uts_of(now, sizeof now);
            _exit(strcmp(mine, now) != 0);
        }

        int status = 0;
        if (pid > 0 && waitpid((pid_t)pid, &status, 0) > 0)
            kinds[status != 0]++;
    }

    printf("old namespaces %d, new namespaces %d\n", kinds[0] > 0, kinds[1] > 0);
    return 0;
}
