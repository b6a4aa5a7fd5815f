/* Threads fork while another thread execs, again and again, each time in a new process. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char **arguments;

static void *fork_all_the_time(void *arg)
{
    for (;;) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }

    return arg;
}

static void *exec_soon(void *arg)
{
    usleep((useconds_t)(rand() % 2000));
    execv(arguments[0], arguments);
    return arg;
}

int main(int argc, char **argv)
{
    static char left[16];
    static char *next[3];
    int rounds = argc > 1 ? atoi(argv[1]) : 10;
    if (rounds == 0) {
        puts("done");
        return 0;
    }

    snprintf(left, sizeof left, "%d", rounds - 1);
    next[0] = argv[0];
    next[1] = left;
    arguments = next;
    srand((unsigned)rounds);
    pthread_t thread;
    for (int i = 0; i < 3; i++)
        pthread_create(&thread, NULL, fork_all_the_time, NULL);
    pthread_create(&thread, NULL, exec_soon, NULL);
    fork_all_the_time(NULL);
    return 1;
}
