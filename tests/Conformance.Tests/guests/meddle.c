/*
 * Runs a command and meddles with it while it makes a cgroup and starts its first task:
 *
 *     meddle N fail ERRNO COMMAND...     its Nth step fails, and the kernel never sees it
 *     meddle N do SHELL COMMAND...       before its Nth step a shell command runs
 *
 * A step is a call of the command's first thread that makes, opens, locks or writes to something
 * from the first mkdir(2) of a path with "/sandbox-" on, up to the clone of the first task, which
 * is the last. In the shell command $1 is the path of that mkdir. Ends with the command's status,
 * or with 200 when it had fewer steps, and says on standard error which one it was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define FEWER 200

static char first[4096];

static void text_of(pid_t pid, unsigned long address, char *into, size_t size)
{
    struct iovec local = {into, size - 1}, remote = {(void *)address, size - 1};
    ssize_t read = process_vm_readv(pid, &local, 1, &remote, 1, 0);
    if (read < 0) {
        /* It may end in the next page, which is not there. */
        remote.iov_len = local.iov_len = 4096 - address % 4096;
        read = process_vm_readv(pid, &local, 1, &remote, 1, 0);
    }

    into[read < 0 ? 0 : read] = 0;
}

/* What a call is as a step; null for none. */
static const char *step_of(pid_t pid, const struct user_regs_struct *regs)
{
    char path[4096];
    switch (regs->orig_rax) {
    case SYS_mkdir:
        text_of(pid, regs->rdi, path, sizeof path);
        if (!strstr(path, "/sandbox-"))
            return NULL;
        if (!*first)
            strcpy(first, path);
        return "mkdir";
    case SYS_open:
        text_of(pid, regs->rdi, path, sizeof path);
        return *first && strstr(path, "/sandbox-") ? "open" : NULL;
    case SYS_flock:
        return *first ? "flock" : NULL;
    case SYS_write:
        return *first ? "write" : NULL;
    case SYS_clone:
    case SYS_clone3:
        return *first ? "clone" : NULL;
    default:
        return NULL;
    }
}

static void run_shell(const char *script)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", script, "sh", first, (char *)NULL);
        _exit(127);
    }

    waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return FEWER + 1;
    int left = atoi(argv[1]), status, entry = 0, over = 0;
    int fails = strcmp(argv[2], "fail") == 0;
    long answer = 0;
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        execvp(argv[4], argv + 4);
        _exit(127);
    }

    waitpid(pid, &status, 0);
    ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    int deliver = 0;
    while (ptrace(over ? PTRACE_CONT : PTRACE_SYSCALL, pid, 0, deliver) == 0 &&
           waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
        deliver = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
        if (WSTOPSIG(status) != (SIGTRAP | 0x80))
            continue;
        deliver = 0;
        entry = !entry;
        struct user_regs_struct regs;
        if (ptrace(PTRACE_GETREGS, pid, 0, &regs))
            continue;
        if (!entry && answer) {
            regs.rax = answer;
            ptrace(PTRACE_SETREGS, pid, 0, &regs);
            over = 1;
        }

        const char *step = entry && left > 0 ? step_of(pid, &regs) : NULL;
        if (!step)
            continue;
        left--;
        over = strcmp(step, "clone") == 0;
        if (left > 0)
            continue;
        fprintf(stderr, "meddle: %s\n", step);
        if (fails) {
            answer = -atol(argv[3]);
            regs.orig_rax = -1;
            ptrace(PTRACE_SETREGS, pid, 0, &regs);
            over = 0;
        } else {
            run_shell(argv[3]);
            over = 1;
        }
    }

    return left > 0 ? FEWER : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
