/*
 * Other ways into the kernel than the one that the filter was written for, and tasks that ask
 * not to be traced. Expected: int 0x80 dies of SIGSYS (or faults, where it does for everybody);
 * x32 numbers are ENOSYS; bits that the kernel drops change nothing; whoever is made is traced,
 * and so are its children.
 */
#define _GNU_SOURCE
#include "escape.h"

#include <linux/sched.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static long plain(unsigned long nr, long a, long b, long c)
{
    long ret;
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;
    __asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return ret;
}

static long int80(unsigned long nr, long a, long b, long c)
{
    long ret;
    __asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(0), "D"(0)
                     : "r8", "r9", "r10", "r11", "memory");
    return ret;
}

/* Makes the call in a child of its own, and says what came of it. */
static void attempt(const char *name, long (*call)(unsigned long, long, long, long),
                    unsigned long nr, long a, long b, long c)
{
    fflush(stdout);
    pid_t probe = fork();
    if (probe == 0) {
        long ret = call(nr, a, b, c);
        if (ret == 0 && (int)nr != SYS_unshare)
            _exit(0);
        _exit(ret >= 0 ? 200 : (int)-ret);
    }

    int end = ended(probe);
    if (end == 200)
        printf("%s: made\n", name);
    else if (end >= 1000)
        printf("%s: signal %d\n", name, end - 1000);
    else
        printf("%s: %s\n", name, strerrorname_np(end));
}

static void old_calls(void)
{
    struct clone_args *args = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    args->exit_signal = SIGCHLD;
    attempt("int80 fork", int80, 2, 0, 0, 0);
    attempt("int80 vfork", int80, 190, 0, 0, 0);
    attempt("int80 clone", int80, 120, SIGCHLD, 0, 0);
    attempt("int80 clone untraced", int80, 120, SIGCHLD | CLONE_UNTRACED, 0, 0);
    attempt("int80 clone3", int80, 435, (long)args, sizeof *args, 0);
    attempt("int80 unshare", int80, 310, CLONE_NEWUSER, 0, 0);
}

static void numbers(void)
{
    const unsigned long x32 = 0x40000000;
    struct clone_args args = {.exit_signal = SIGCHLD};
    struct clone_args user = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    attempt("x32 clone", plain, x32 | SYS_clone, SIGCHLD, 0, 0);
    attempt("x32 fork", plain, x32 | SYS_fork, 0, 0, 0);
    attempt("x32 vfork", plain, x32 | SYS_vfork, 0, 0, 0);
    attempt("x32 clone3", plain, x32 | SYS_clone3, (long)&args, sizeof args, 0);
    attempt("x32 ptrace", plain, x32 | 521, 0, 0, 0);
    attempt("negative", plain, 0x80000000UL | SYS_fork, 0, 0, 0);
    attempt("none", plain, ~0UL, 0, 0, 0);
    attempt("high number clone", plain, 0x100000000UL | SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0);
    attempt("high number clone3", plain, 0x700000000UL | SYS_clone3, (long)&user, sizeof user, 0);
    attempt("high number unshare", plain, 0x100000000UL | SYS_unshare, CLONE_NEWUSER, 0, 0);
    attempt("high flags clone", plain, SYS_clone, 0x7f00000000L | CLONE_NEWUSER | SIGCHLD, 0, 0);
    attempt("high number fork", plain, 0x100000000UL | SYS_fork, 0, 0, 0);
}

/* 0 when traced by whom it should be, with children that are as well. */
static int is_watched(pid_t by)
{
    pid_t child = fork();
    if (child == 0)
        _exit(status_field(getpid(), "TracerPid") != by);
    struct clone_args user = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    long denied = syscall(SYS_clone3, &user, sizeof user);
    if (denied == 0)
        _exit(0);
    return (ended(child) != 0) + 2 * (status_field(getpid(), "TracerPid") != by) +
           4 * (denied > 0);
}

static void untraced(void)
{
    const unsigned long flags[] = {CLONE_UNTRACED, CLONE_PTRACE, CLONE_UNTRACED | CLONE_PTRACE,
                                   CLONE_UNTRACED | CLONE_VFORK};
    pid_t by = supervisor();
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
        fflush(stdout);
        pid_t child = (pid_t)syscall(SYS_clone, flags[i] | SIGCHLD, 0, 0, 0, 0);
        if (child == 0)
            _exit(is_watched(by));
        printf("untraced clone %u: %d\n", i, child < 0 ? -errno : ended(child));
        struct clone_args args = {.flags = flags[i], .exit_signal = SIGCHLD};
        fflush(stdout);
        child = (pid_t)syscall(SYS_clone3, &args, sizeof args);
        if (child == 0)
            _exit(is_watched(by));
        printf("untraced clone3 %u: %d\n", i, child < 0 ? -errno : ended(child));
    }
}

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

static volatile char selector;
static volatile long from_handler;

static void on_sys(int sig)
{
    selector = 0;
    from_handler = plain(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0);
    if (sig && from_handler == 0)
        _exit(0);
}

/* A dispatcher of the guest's own stands before the filter, which comes all the same. */
static void dispatch(void)
{
    signal(SIGSYS, on_sys);
    long on = prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &selector);
    long open = plain(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0);
    if (open == 0)
        _exit(0);
    selector = 1;
    plain(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0);
    selector = 0;
    printf("dispatch %ld: open %s, from its handler %s\n", on,
           open < 0 ? strerrorname_np((int)-open) : "made",
           from_handler < 0 ? strerrorname_np((int)-from_handler) : "made");
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "int80"))
        old_calls();
    else if (!strcmp(what, "numbers"))
        numbers();
    else if (!strcmp(what, "untraced"))
        untraced();
    else if (!strcmp(what, "dispatch"))
        dispatch();
    return 0;
}
