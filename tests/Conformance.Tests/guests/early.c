/*
 * early wait COMMAND...  waits until a signal of the terminal is pending, then runs the command,
 *                        which so begins with it
 * early take COMMAND...  lets what is pending act, then runs the command
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 20000 };

int main(int argc, char **argv)
{
    sigset_t early, pending;
    struct timespec step = {0, 1000000};
    sigemptyset(&early);
    sigaddset(&early, SIGTSTP);
    sigaddset(&early, SIGINT);
    if (argc < 3)
        return 2;
    if (strcmp(argv[1], "take") == 0) {
        sigprocmask(SIG_UNBLOCK, &early, NULL);
    } else {
        sigprocmask(SIG_BLOCK, &early, NULL);
        printf("type it now\n");
        fflush(stdout);
        for (int i = 0; i < PATIENCE; i++) {
            sigpending(&pending);
            if (sigismember(&pending, SIGTSTP) || sigismember(&pending, SIGINT))
                break;
            nanosleep(&step, NULL);
        }
    }

    execvp(argv[2], argv + 2);
    return 127;
}
