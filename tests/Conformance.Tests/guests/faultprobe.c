/* One raw creation that must fail with the errno given, or succeed, and leave no other trace. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t children;
static int pidfd = -77, parent_tid = -77, child_tid = -77;
static char stack[65536] __attribute__((aligned(16)));

static void on_child(int sig)
{
    (void)sig;
    children++;
}

static int entries(const char *path)
{
    int n = 0;
    DIR *dir = opendir(path);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* A thread with a stack of its own that ends at once. */
static long thread_call(long nr, const void *arg, unsigned long size, unsigned long flags)
{
    char *top = stack + sizeof stack;
    long ret;
    register long r10 __asm__("r10") = (long)&child_tid;
    register long r8 __asm__("r8") = 0;
    long a0 = nr == SYS_clone3 ? (long)arg : (long)flags;
    long a1 = nr == SYS_clone3 ? (long)size : (long)top;
    __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\tmov $60, %%eax\n\txor %%edi, %%edi\n\t"
                     "syscall\n1:"
                     : "=a"(ret)
                     : "a"(nr), "D"(a0), "S"(a1), "d"(&parent_tid), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    if (ret < 0) {
        errno = (int)-ret;
        ret = -1;
    }

    return ret;
}

/* The child of vfork must not return from the function that called it. */
static long vfork_and_exit(void)
{
    pid_t pid = vfork();
    if (pid == 0)
        _exit(0);
    return pid;
}

static long create(const char *entry)
{
    unsigned long thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                           CLONE_SYSVSEM;
    if (!strcmp(entry, "fork"))
        return syscall(SYS_fork);
    if (!strcmp(entry, "vfork"))
        return vfork_and_exit();
    if (!strcmp(entry, "clone"))
        return syscall(SYS_clone, CLONE_PIDFD | CLONE_CHILD_SETTID | SIGCHLD, 0, &pidfd,
                       &child_tid, 0);
    struct clone_args args = {.flags = CLONE_PIDFD | CLONE_CHILD_SETTID,
                              .pidfd = (uintptr_t)&pidfd,
                              .child_tid = (uintptr_t)&child_tid,
                              .exit_signal = SIGCHLD};
    if (!strcmp(entry, "clone3"))
        return syscall(SYS_clone3, &args, sizeof args);
    if (!strcmp(entry, "thread"))
        return thread_call(SYS_clone, 0, 0, thread | CLONE_PARENT_SETTID);
    struct clone_args three = {.flags = thread | CLONE_PARENT_SETTID,
                               .parent_tid = (uintptr_t)&parent_tid,
                               .stack = (uintptr_t)stack,
                               .stack_size = sizeof stack};
    return thread_call(SYS_clone3, &three, sizeof three, 0);
}

int main(int argc, char **argv)
{
    const char *entry = argc > 1 ? argv[1] : "fork";
    int expected = argc > 2 ? atoi(argv[2]) : 0;
    int is_thread = strstr(entry, "thread") != NULL;
    signal(SIGCHLD, on_child);
    int fds = entries("/proc/self/fd");
    errno = 0;
    long ret = create(entry);
    int error = ret < 0 ? errno : 0;
    if (ret == 0)
        _exit(0);
    if (ret > 0) {
        int status = 0;
        if (!is_thread && waitpid((pid_t)ret, &status, 0) != ret)
            return 3;
        for (int i = 0; is_thread && entries("/proc/self/task") > 3 && i < 2000; i++)
            usleep(1000);
        puts("created");
        return 0;
    }

    usleep(2000);
    sigset_t pending;
    sigpending(&pending);
    if (error != expected)
        printf("errno %d\n", error);
    if (children || sigismember(&pending, SIGCHLD))
        puts("a SIGCHLD came");
    if (pidfd != -77 || parent_tid != -77 || child_tid != -77)
        printf("written: %d %d %d\n", pidfd, parent_tid, child_tid);
    if (entries("/proc/self/fd") != fds)
        puts("a descriptor is left");
    if (entries("/proc/self/task") != 3)
        puts("a thread is left");
    if (waitpid(-1, NULL, __WALL | WNOHANG) != -1 || errno != ECHILD)
        puts("a child is left");
    puts("denied");
    return 0;
}
