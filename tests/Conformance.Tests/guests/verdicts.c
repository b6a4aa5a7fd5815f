/* What each way to ask for a task, or for namespaces, is answered. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A system call whose child ends at once, without a look at any memory. */
static inline long call(long nr, long a, long b, long c, long d, long e)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    long ret;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%edi, %%edi\n\t"
                     "mov $60, %%eax\n\t"
                     "syscall\n"
                     "1:"
                     : "=a"(ret)
                     : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return ret;
}

static const char *answer(long ret, int thread)
{
    if (ret < 0)
        return strerrorname_np((int)-ret);
    if (!thread)
        waitpid((pid_t)ret, NULL, __WALL);
    return "made";
}

static void row(const char *name, unsigned long flags, long plain)
{
    int thread = (flags & CLONE_THREAD) != 0;
    struct clone_args args = {.flags = flags, .exit_signal = thread ? 0 : SIGCHLD};
    printf("%s:", name);
    fflush(stdout);
    if (plain)
        printf(" %s", answer(call(plain, 0, 0, 0, 0, 0), 0));
    long two = call(SYS_clone, (long)(flags | args.exit_signal), 0, 0, 0, 0);
    printf(" %s", answer(two, thread));
    long three = call(SYS_clone3, (long)&args, sizeof args, 0, 0, 0);
    printf(" %s\n", answer(three, thread));
    fflush(stdout);
}

static void raw(void)
{
    const unsigned long thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
        | CLONE_SYSVSEM;
    row("fork", 0, SYS_fork);
    row("vfork", CLONE_VM | CLONE_VFORK, SYS_vfork);
    row("thread", thread, 0);
    row("files", CLONE_FILES, 0);
    row("fs and io", CLONE_FS | CLONE_IO, 0);
    row("vfork with files", CLONE_VM | CLONE_VFORK | CLONE_FILES, 0);
    row("thread with io", thread | CLONE_IO, 0);
    row("user", CLONE_NEWUSER, 0);
    row("user and uts", CLONE_NEWUSER | CLONE_NEWUTS, 0);
    row("untraced", CLONE_UNTRACED, 0);
    row("sighand alone", CLONE_SIGHAND, 0);
    row("mount and fs", CLONE_NEWNS | CLONE_FS, 0);
}

static const char *named(long failed)
{
    return failed ? strerrorname_np(errno) : "done";
}

static void namespaces(void)
{
    int own = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
    printf("unshare files: %s\n", named(unshare(CLONE_FILES | CLONE_FS)));
    printf("unshare nothing known: %s\n", named(unshare(CLONE_PIDFD)));
    printf("unshare high: %s\n", named(syscall(SYS_unshare, 1UL << 40)));
    printf("setns: %s\n", named(setns(own, CLONE_NEWUTS)));
    printf("setns of nothing: %s\n", named(setns(-1, 0)));
    printf("unshare user and uts: %s\n", named(unshare(CLONE_NEWUSER | CLONE_NEWUTS)));
}

static void *nothing(void *arg)
{
    return arg;
}

static void libc(char *self)
{
    char *quick[] = {self, "quick", NULL};
    pthread_t thread;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    printf("fork: %s\n", answer(pid < 0 ? -errno : pid, 0));
    fflush(stdout);
    pid = vfork();
    if (pid == 0)
        _exit(0);
    printf("vfork: %s\n", answer(pid < 0 ? -errno : pid, 0));
    int error = posix_spawn(&pid, self, NULL, NULL, quick, environ);
    printf("posix_spawn: %s\n", answer(error ? -error : pid, 0));
    error = pthread_create(&thread, NULL, nothing, NULL);
    printf("pthread_create: %s\n", answer(error ? -error : 1, 1));
    if (error == 0)
        pthread_join(thread, NULL);
    fflush(stdout);
    int status = system("exit 3");
    printf("system: %s\n", status == -1 ? strerrorname_np(errno)
           : WEXITSTATUS(status) == 3 ? "made" : "not run");
}

/* So many calls that each is denied, or a child that ends at once. */
static void flood(int count)
{
    int denied = 0;
    for (int i = 0; i < count; i++) {
        long pid = call(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
        denied += pid < 0;
        if (pid > 0)
            waitpid((pid_t)pid, NULL, __WALL);
    }

    printf("denied %d\n", denied);
}

int main(int argc, char **argv)
{
    const char *question = argc > 1 ? argv[1] : "raw";
    if (strcmp(question, "raw") == 0)
        raw();
    else if (strcmp(question, "libc") == 0)
        libc(argv[0]);
    else if (strcmp(question, "namespaces") == 0)
        namespaces();
    else if (strcmp(question, "flood") == 0)
        flood(argc > 2 ? atoi(argv[2]) : 1);
    return 0;
}
