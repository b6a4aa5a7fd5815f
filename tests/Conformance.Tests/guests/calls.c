/* Makes each system call that is named by number, without arguments: in the first thread, in
 * another, and in a child. Says the error of each. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char **numbers;

static void *call_all(void *who)
{
    for (char **number = numbers; *number; number++) {
        long result = syscall(atol(*number), 0, 0, 0, 0, 0, 0);
        printf("%s %s: %s\n", (char *)who, *number, result < 0 ? strerrorname_np(errno) : "done");
    }

    fflush(stdout);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    numbers = argv + 1;
    call_all("first");
    if (pthread_create(&thread, NULL, call_all, "thread") || pthread_join(thread, NULL))
        return 1;
    pid_t child = fork();
    if (child == 0) {
        call_all("child");
        _exit(0);
    }

    int status;
    return child < 0 || waitpid(child, &status, 0) != child || status;
}
