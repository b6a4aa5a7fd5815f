/* Creates tasks that share one thing each, and some combinations, all alive for a moment. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *threaded(void *arg)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    usleep(1000);
    return arg;
}

static int child(void *arg)
{
    usleep(2000);
    if (arg)
        execl("/bin/true", "true", NULL);
    return 0;
}

int main(void)
{
    static const int sets[] = {0, CLONE_FILES, CLONE_FS, CLONE_VM, CLONE_VM | CLONE_SIGHAND,
                               CLONE_IO, CLONE_SYSVSEM, CLONE_FILES | CLONE_FS,
                               CLONE_VM | CLONE_FILES | CLONE_SYSVSEM, CLONE_VM | CLONE_VFORK,
                               CLONE_FILES | CLONE_FS | CLONE_IO | CLONE_SYSVSEM};
    int made = 0, ended = 0;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, threaded, NULL);
    for (int execs = 0; execs < 2; execs++) {
        for (unsigned i = 0; i < sizeof sets / sizeof *sets; i++) {
            char *stack = malloc(65536);
            if (clone(child, stack + 65536, sets[i] | SIGCHLD, execs ? (void *)1 : NULL) > 0)
                made++;
        }
    }

    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    while (ended < made && waitpid(-1, NULL, __WALL) > 0)
        ended++;
    pid_t pid = fork();
    if (pid == 0) {
        char *stack = malloc(65536);
        int sibling = clone(child, stack + 65536, CLONE_PARENT | SIGCHLD, NULL);
        _exit(sibling > 0 ? 0 : 1);
    }

    for (int i = 0; i < 2 && waitpid(-1, NULL, __WALL) > 0; i++)
        ended++;
    printf("%d %d\n", made, ended);
    return 0;
}
