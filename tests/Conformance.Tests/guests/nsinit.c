/* The init of a pid namespace faults: how does it end? With 'handled' it has a handler. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_fault(int sig)
{
    _exit(sig);
}

int main(int argc, char **argv)
{
    long pid = syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        if (argc > 1 && strcmp(argv[1], "handled") == 0)
            signal(SIGSEGV, on_fault);
        *(volatile int *)8 = 1;
        _exit(0);
    }

    int status = 0;
    if (pid < 0 || waitpid((pid_t)pid, &status, 0) != pid)
        return 1;
    printf("%s %d\n", WIFEXITED(status) ? "exit" : "signal",
           WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return 0;
}
