/*
 * Runs a command under a filter that answers calls with an errno, as a container's would:
 * "refuse ENOSYS|EPERM NUMBER... -- COMMAND...".
 */
#define _GNU_SOURCE
#include "escape.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

#define MOST 32

int main(int argc, char **argv)
{
    struct sock_filter code[2 * MOST + 2] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    unsigned errno_value = argc > 1 && !strcmp(argv[1], "ENOSYS") ? ENOSYS : EPERM;
    unsigned short length = 1;
    int at = 2;
    for (; at < argc && strcmp(argv[at], "--") && at < 2 + MOST; at++) {
        struct sock_filter refused[] = {
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(argv[at]), 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | errno_value),
        };
        code[length++] = refused[0];
        code[length++] = refused[1];
    }

    code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {length, code};
    if (at + 1 >= argc || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return 99;
    execvp(argv[at + 1], argv + at + 1);
    return 98;
}
