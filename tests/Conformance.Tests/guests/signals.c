/* Sends itself a signal with a handler, N times; counts those that were handled. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t handled;

static void count(int signal)
{
    (void)signal;
    handled++;
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 1;
    signal(SIGUSR1, count);
    for (int i = 0; i < n; i++)
        raise(SIGUSR1);
    printf("%d\n", handled);
    return handled != n;
}
