/* A signal that ends a read(2) which waits, and does nothing else. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

static void nothing(int sig)
{
    (void)sig;
}

/* Gives the signal its handler, without SA_RESTART: 0 or -errno. */
EXPORT int sandbox_wake_by(int sig)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = nothing;
    return sigaction(sig, &action, 0) < 0 ? -errno : 0;
}
