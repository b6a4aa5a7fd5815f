/* Makes children in new namespaces, all that an ordinary user may, and after an unshare. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void make(const char *name, unsigned long flags)
{
    long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(getpid() == 1);
    int status = -1;
    int error = pid < 0 ? errno : 0;
    if (pid > 0)
        waitpid((pid_t)pid, &status, 0);
    printf("%s %s %d\n", name, strerror(error), status);
    fflush(stdout);
}

int main(void)
{
    make("user ", CLONE_NEWUSER);
    make("mount", CLONE_NEWUSER | CLONE_NEWNS);
    make("uts", CLONE_NEWUSER | CLONE_NEWUTS);
    make("ipc", CLONE_NEWUSER | CLONE_NEWIPC);
    make("pid", CLONE_NEWUSER | CLONE_NEWPID);
    make("net", CLONE_NEWUSER | CLONE_NEWNET);
    make("cgroup", CLONE_NEWUSER | CLONE_NEWCGROUP);
    make("plain", 0);
    printf("unshare %d\n", unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS));
    fflush(stdout);
    make("after", 0);
    return 0;
}
