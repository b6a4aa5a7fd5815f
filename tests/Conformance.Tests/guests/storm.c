/* Forks under a storm of signals whose handler has no SA_RESTART; none may fail. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile int h;
static void on(int s)
{
    h++;
}
int main(int c, char **v)
{
    int n = atoi(v[1]), k = 0;
    struct sigaction a = {0};
    a.sa_handler = on;
    sigaction(SIGALRM, &a, 0);
    struct itimerval it = {{0, 200}, {0, 200}};
    setitimer(ITIMER_REAL, &it, 0);
    for (int i = 0; i < n; i++) {
        pid_t p = fork();
        if (p < 0) {
            perror("fork");
            return 1;
        }
        if (!p)
            _exit(3);
        int s;
        while (waitpid(p, &s, 0) < 0 && errno == EINTR)
            ;
        if (WEXITSTATUS(s) == 3)
            k++;
    }
    printf("%d %d\n", k, h > 0);
    return 0;
}
