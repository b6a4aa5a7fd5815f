/* A table of clone3 and clone calls and what each returns; children end at once. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void report(const char *name, long ret)
{
    if (ret == 0)
        _exit(0);
    if (ret > 0) {
        waitpid((pid_t)ret, NULL, __WALL);
        printf("%s: created\n", name);
    } else {
        printf("%s: %s\n", name, strerrorname_np(errno));
    }

    fflush(stdout);
}

static void three(const char *name, struct clone_args args, size_t size)
{
    char bytes[8192] = {0};
    memcpy(bytes, &args, sizeof args);
    report(name, syscall(SYS_clone3, bytes, size));
}

#define CALL(size, ...) three(#size " " #__VA_ARGS__, (struct clone_args){__VA_ARGS__}, size)

int main(void)
{
    for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
        signal(sig, SIG_IGN);
    CALL(0, .exit_signal = SIGCHLD);
    CALL(63, .exit_signal = SIGCHLD);
    CALL(64, .exit_signal = SIGCHLD);
    CALL(72, .exit_signal = SIGCHLD);
    CALL(80, .exit_signal = SIGCHLD);
    CALL(88, .exit_signal = SIGCHLD);
    CALL(96, .exit_signal = SIGCHLD);
    CALL(4096, .exit_signal = SIGCHLD);
    CALL(4097, .exit_signal = SIGCHLD);
    CALL(88, .exit_signal = 65);
    CALL(88, .exit_signal = 64);
    CALL(88, .exit_signal = 0x100);
    CALL(88, .flags = 1UL << 40, .exit_signal = SIGCHLD);
    CALL(88, .flags = 0x00400000, .exit_signal = SIGCHLD);
    CALL(88, .flags = 17, .exit_signal = SIGCHLD);
    CALL(88, .flags = CLONE_THREAD);
    CALL(88, .flags = CLONE_SIGHAND);
    CALL(88, .flags = CLONE_SIGHAND | CLONE_CLEAR_SIGHAND | CLONE_VM);
    CALL(88, .flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, .exit_signal = SIGCHLD);
    CALL(88, .flags = CLONE_PARENT, .exit_signal = SIGCHLD);
    CALL(88, .flags = CLONE_NEWNS | CLONE_FS, .exit_signal = SIGCHLD);
    CALL(88, .flags = CLONE_NEWUSER | CLONE_FS, .exit_signal = SIGCHLD);
    CALL(88, .flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWPID);
    CALL(88, .flags = CLONE_PIDFD, .exit_signal = SIGCHLD);
    CALL(88, .stack = 4096, .exit_signal = SIGCHLD);
    CALL(88, .stack_size = 4096, .exit_signal = SIGCHLD);
    CALL(88, .stack = 4096, .stack_size = ~0UL, .exit_signal = SIGCHLD);
    CALL(88, .stack = 4096, .stack_size = 0x7ffffffff000, .exit_signal = SIGCHLD);
    CALL(88, .set_tid_size = 1, .exit_signal = SIGCHLD);
    CALL(88, .set_tid = 8, .exit_signal = SIGCHLD);
    CALL(88, .set_tid = 8, .set_tid_size = 1, .exit_signal = SIGCHLD);
    CALL(88, .set_tid = 8, .set_tid_size = 33, .exit_signal = SIGCHLD);
    CALL(80, .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD);
    CALL(88, .flags = CLONE_INTO_CGROUP, .cgroup = 1UL << 33, .exit_signal = SIGCHLD);

    static struct clone_args tail[2] = {{.exit_signal = SIGCHLD}, {.flags = 1}};
    report("tail not zero", syscall(SYS_clone3, tail, sizeof tail));
    report("null", syscall(SYS_clone3, 0, 88));
    report("unmapped", syscall(SYS_clone3, 8, 88));
    report("unmapped, too large", syscall(SYS_clone3, 8, 5000));
    char *pages = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + 4096, 4096);
    struct clone_args plain = {.exit_signal = SIGCHLD};
    memcpy(pages + 4096 - 88, &plain, 88);
    report("at the end of a page", syscall(SYS_clone3, pages + 4096 - 88, 88));
    report("over the end of a page", syscall(SYS_clone3, pages + 4096 - 88, 96));
    memcpy(pages + 4096 - 64, &plain, 64);
    report("short at the end of a page", syscall(SYS_clone3, pages + 4096 - 64, 64));
    report("body over the end", syscall(SYS_clone3, pages + 4096 - 64, 88));

    int word;
    report("clone", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    report("clone high bits", syscall(SYS_clone, SIGCHLD | 1UL << 40, 0, 0, 0, 0));
    report("clone signal 200", syscall(SYS_clone, 200, 0, 0, 0, 0));
    report("clone detached", syscall(SYS_clone, 0x00400000 | SIGCHLD, 0, 0, 0, 0));
    report("clone thread alone", syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0));
    report("clone sighand alone", syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0));
    report("clone pidfd and tid",
           syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &word, 0, 0));
    report("clone pidfd detached",
           syscall(SYS_clone, CLONE_PIDFD | 0x00400000 | SIGCHLD, 0, &word, 0, 0));
    report("clone untraced", syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0));
    report("clone ptrace", syscall(SYS_clone, CLONE_PTRACE | SIGCHLD, 0, 0, 0, 0));
    report("clone tls", syscall(SYS_clone, CLONE_SETTLS | SIGCHLD, 0, 0, 0, ~0UL));
    report("fork", syscall(SYS_fork));
    return 0;
}
