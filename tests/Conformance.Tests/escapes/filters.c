/*
 * A guest with filters, listeners and modes of its own. Expected: no listener (EBUSY); a filter
 * of its own can take calls away from itself, and never give it one that the policy denies, not
 * with the mark of the sandbox's own filter either.
 */
#define _GNU_SOURCE
#include "escape.h"

#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

/* What the sandbox's filter says with RET_TRACE. */
enum { MARK = 0x5342 };

static long install(unsigned op, unsigned long flags, int nr, unsigned action)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, code};
    return syscall(SYS_seccomp, op, flags, &program);
}

static void listeners(void)
{
    const unsigned long flags[] = {
        SECCOMP_FILTER_FLAG_NEW_LISTENER,
        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC |
            SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
        SECCOMP_FILTER_FLAG_NEW_LISTENER | 0x7f00000000UL,
        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_LOG,
    };
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            long fd = install(SECCOMP_SET_MODE_FILTER, flags[i], SYS_clone,
                              SECCOMP_RET_USER_NOTIF);
            _exit(fd >= 0 ? 0 : errno);
        }

        int end = ended(child);
        printf("listener %u: %s\n", i, end ? strerrorname_np(end) : "granted");
    }
}

/* 0 refused with an errno, 1 made; a task that is made where none may be ends at once. */
static long try_clone(unsigned long flags)
{
    long ret = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (ret == 0)
        _exit(0);
    return ret;
}

static long try_clone3(unsigned long flags)
{
    struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
    long ret = syscall(SYS_clone3, &args, sizeof args);
    if (ret == 0)
        _exit(0);
    return ret;
}

/* In a child of its own: a filter, then what the policy denies, then a plain fork. */
static void filtered(const char *name, int nr, unsigned action)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSYS, SIG_IGN);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (install(SECCOMP_SET_MODE_FILTER, 0, nr, action))
            _exit(98);
        printf("%s: unshare %s", name, word(syscall(SYS_unshare, CLONE_NEWUSER)));
        printf(", clone %s", word(try_clone(CLONE_NEWUSER)));
        printf(", clone3 %s", word(try_clone3(CLONE_NEWUSER)));
        printf(", plain %s\n", word(try_clone(0)));
        fflush(stdout);
        _exit(0);
    }

    int end = ended(child);
    if (end)
        printf("%s: ended %d\n", name, end);
}

static void own_filters(void)
{
    const struct { const char *name; int nr; unsigned action; } all[] = {
        {"allow clone", SYS_clone, SECCOMP_RET_ALLOW},
        {"log clone", SYS_clone, SECCOMP_RET_LOG},
        {"forged clone", SYS_clone, SECCOMP_RET_TRACE | MARK},
        {"forged clone3", SYS_clone3, SECCOMP_RET_TRACE | MARK},
        {"forged unshare", SYS_unshare, SECCOMP_RET_TRACE | MARK},
        {"forged getpid", SYS_getpid, SECCOMP_RET_TRACE | MARK},
        {"other mark clone", SYS_clone, SECCOMP_RET_TRACE | 7},
        {"other mark unshare", SYS_unshare, SECCOMP_RET_TRACE | 7},
        {"errno 0 unshare", SYS_unshare, SECCOMP_RET_ERRNO},
        {"errno 77 clone", SYS_clone, SECCOMP_RET_ERRNO | 77},
        {"notif clone", SYS_clone, SECCOMP_RET_USER_NOTIF},
        {"kill clone", SYS_clone, SECCOMP_RET_KILL_PROCESS},
    };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        filtered(all[i].name, all[i].nr, all[i].action);
}

static void *forge_thread(void *arg)
{
    return arg;
}

/* Thread creations that the sandbox's filter lets through, forged into stops. */
static void forged_threads(void)
{
    pthread_t thread;
    int made = 0;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    install(SECCOMP_SET_MODE_FILTER, 0, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
    install(SECCOMP_SET_MODE_FILTER, 0, SYS_clone, SECCOMP_RET_TRACE | MARK);
    for (int i = 0; i < 200; i++)
        made += pthread_create(&thread, NULL, forge_thread, NULL) == 0 &&
                pthread_join(thread, NULL) == 0;
    printf("forged threads %d\n", made);
}

/* The games of prctl(2), each followed by what the policy denies. */
static void games(void)
{
    const struct { const char *name; long a[5]; } all[] = {
        {"undumpable", {PR_SET_DUMPABLE, 0}},
        {"privileges back", {PR_SET_NO_NEW_PRIVS, 0}},
        {"tracer any", {PR_SET_PTRACER, -1}},
        {"subreaper", {PR_SET_CHILD_SUBREAPER, 1}},
        {"death signal", {PR_SET_PDEATHSIG, SIGKILL}},
        {"seccomp off", {PR_SET_SECCOMP, 0}},
        {"name", {PR_SET_NAME, (long)"x\nsandbox: y"}},
        {"securebits", {PR_SET_SECUREBITS, 0}},
        {"mdwe", {65, 1}},
    };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        const long *a = all[i].a;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            prctl((int)a[0], a[1], a[2], a[3], a[4]);
            long user = try_clone(CLONE_NEWUSER);
            int kept = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
                       prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2;
            printf("%s: clone %s, kept %d, plain %s\n", all[i].name, word(user), kept,
                   word(try_clone(0)));
            fflush(stdout);
            _exit(0);
        }

        ended(child);
    }

    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) == 0 ? 1 : errno);
    int end = ended(child);
    printf("strict: %s\n", end > 1 && end < 1000 ? strerrorname_np(end) : "entered");
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "listeners"))
        listeners();
    else if (!strcmp(what, "own"))
        own_filters();
    else if (!strcmp(what, "threads"))
        forged_threads();
    else if (!strcmp(what, "games"))
        games();
    return 0;
}
