/* kills forking parents at random between approval and event */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int c, char **v)
{
    int n = atoi(v[1]);
    srand(7);
    for (int i = 0; i < n; i++) {
        pid_t p = fork();
        if (!p) {
            setpgid(0, 0);
            for (;;) {
                pid_t q = fork();
                if (q < 0)
                    _exit(1);
                if (!q)
                    _exit(0);
                if (rand() % 2)
                    waitpid(q, 0, 0);
            }
        }
        setpgid(p, p);
        usleep(rand() % 3000);
        kill(rand() % 2 ? p : -p, SIGKILL);
        int s;
        waitpid(p, &s, 0);
        kill(-p, SIGKILL);
    }
    puts("done");
    return 0;
}
