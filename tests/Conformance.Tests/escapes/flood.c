/*
 * A guest that asks for more than anybody has: millions of denied calls, a fork bomb at its
 * limit, one process id again and again. Expected: each call is answered as the policy says;
 * the supervisor's memory stays where it was; a bystander goes on making tasks.
 *
 * denied: in every way, so most stop for the supervisor. quiet: only what registers settle,
 * which the filter may answer alone. bomb, reuse: see there.
 *
 * "flood WHAT COUNT" says how much the supervisor's memory grew between the first hundredth of
 * the attack, in which it takes what it needs for this kind of work, and its end.
 */
#define _GNU_SOURCE
#include "escape.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>

enum { MIB = 1024, GROWTH_MOST = 8 * MIB, BYSTANDER = 100 };

static long wrong;

static void deny(long n, int way)
{
    unsigned long flags = CLONE_NEWUSER | ((unsigned long)(n * 2654435761u) & 0x7e020000);
    struct clone_args args = {.flags = flags & ~0x7fUL, .exit_signal = SIGCHLD};
    long ret;
    switch (way) {
    case 0:
        ret = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
        break;
    case 1:
        ret = syscall(SYS_clone3, &args, sizeof args);
        break;
    case 2:
        ret = syscall(SYS_unshare, flags & 0x7e020000);
        break;
    default:
        ret = syscall(SYS_setns, -1, CLONE_NEWUTS);
        break;
    }

    if (ret == 0 && way < 2)
        _exit(0);
    wrong += ret >= 0 || errno != EPERM;
}

/* Denied in a new way each time: no memory of causes or decisions may grow with it. */
static void denied(long n)
{
    deny(n, (int)(n % 4));
}

static void quiet(long n)
{
    static const int ways[] = {0, 2, 3};
    deny(n, ways[n % 3]);
}

/* A fork that may fail, at whatever limit; its child leaves another task behind, and goes. */
static void bomb(long n)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0)
            usleep(n % 7 * 1000);
        _exit(0);
    }

    wrong += pid < 0 && errno != EAGAIN;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

static int last_pid = -1;
static long reused;

/* Root can say which id comes next, that of the task before; for others ids go round. */
static void reuse(long n)
{
    static pid_t last;
    char text[32];
    if (n == 0)
        last_pid = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);
    if (last && last_pid >= 0) {
        int length = snprintf(text, sizeof text, "%d", last - 1);
        if (pwrite(last_pid, text, (size_t)length, 0) != length)
            last_pid = -1;
    }

    pid_t pid = vfork();
    if (pid == 0)
        _exit((int)(n & 63));
    reused += pid == last;
    last = pid;
    wrong += pid < 0 || ended(pid) != (n & 63);
}

/* Makes tasks while the attack lasts; the attack is over when it has made enough. */
static pid_t bystander(volatile int *made)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    while (*made < BYSTANDER) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child > 0 && ended(child) == 0)
            ++*made;
    }

    _exit(0);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "denied";
    long count = argc > 2 ? atol(argv[2]) : 1000, before = 0;
    void (*attack)(long) = !strcmp(what, "bomb")    ? bomb
                           : !strcmp(what, "reuse") ? reuse
                           : !strcmp(what, "quiet") ? quiet
                                                    : denied;
    volatile int *made =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t aim = supervisor(), other = bystander(made);
    for (long n = 0; n < count || *made < BYSTANDER; n++) {
        if (n == count / 100)
            before = status_field(aim, "VmRSS");
        attack(n);
    }

    long grown = status_field(aim, "VmRSS") - before;
    while (waitpid(-1, NULL, 0) > 0)
        ;
    if (before <= 0 || grown > GROWTH_MOST)
        printf("supervisor: %ld KiB, and %ld more\n", before, grown);
    printf("wrong %ld, bystander %d, reused %s\n", other > 0 ? wrong : -1, *made,
           reused > count / 10 ? "many" : reused ? "some" : "none");
    return 0;
}
