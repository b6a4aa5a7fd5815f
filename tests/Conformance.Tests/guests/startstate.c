/* Prints all that a program inherits at its start. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv, char **envp)
{
    for (int i = 1; i < argc; i++)
        printf("arg %s\n", argv[i]);
    for (int i = 0; envp[i]; i++)
        printf("env %s\n", envp[i]);
    for (int sig = 1; sig <= 64; sig++) {
        struct sigaction action;
        if (sigaction(sig, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
            printf("signal %d %s\n", sig, action.sa_handler == SIG_IGN ? "ignored" : "caught");
    }

    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int sig = 1; sig <= 64; sig++)
        if (sigismember(&blocked, sig) == 1)
            printf("blocked %d\n", sig);
    for (int fd = 0; fd < 256; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf("fd %d\n", fd);
    for (int resource = 0; resource < 16; resource++) {
        struct rlimit limit;
        getrlimit(resource, &limit);
        printf("limit %d %lld %lld\n", resource, (long long)limit.rlim_cur,
               (long long)limit.rlim_max);
    }

    int death = 0;
    prctl(PR_GET_PDEATHSIG, &death);
    printf("umask %o nice %d dumpable %d pdeathsig %d\n", umask(0),
           getpriority(PRIO_PROCESS, 0), prctl(PR_GET_DUMPABLE), death);
    return 0;
}
