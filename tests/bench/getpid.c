/* Nanoseconds of one getpid(2): natively, or with 'one' under a filter of one instruction. */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CALLS 2000000

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "one") == 0) {
        struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        struct sock_fprog program = {1, &allow};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
            syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
            return 1;
    }

    for (int i = 0; i < CALLS / 10; i++)
        syscall(SYS_getpid);
    double start = now();
    for (int i = 0; i < CALLS; i++)
        syscall(SYS_getpid);
    printf("%.2f\n", (now() - start) / CALLS);
    return 0;
}
