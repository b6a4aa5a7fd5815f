/* What the guests about equality share: statuses as one number, and a way to wait. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* Milliseconds after which a wait for another task is given up: far beyond what it takes. */
enum { PATIENCE = 20000 };

struct question {
    const char *name;
    void (*run)(void);
};

/* Exit code; 1000 + signal of a stop; 2000 for continued; 3000 + signal of a death; -errno. */
UNUSED static int status_of(pid_t pid, int options)
{
    int status = -1;
    pid_t got;
    while ((got = waitpid(pid, &status, options)) < 0 && errno == EINTR)
        ;
    if (got <= 0)
        return got < 0 ? -errno : -1000;
    return WIFEXITED(status) ? WEXITSTATUS(status)
         : WIFSTOPPED(status) ? 1000 + WSTOPSIG(status)
         : WIFCONTINUED(status) ? 2000 : 3000 + WTERMSIG(status);
}

UNUSED static void rest(long microseconds)
{
    struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
    while (nanosleep(&time, &time) < 0 && errno == EINTR)
        ;
}

/* Waits until a word that another task writes is what it should become; 0 when it never is. */
UNUSED static int becomes(const int *word, int value)
{
    for (int i = 0; i < PATIENCE && __atomic_load_n(word, __ATOMIC_SEQ_CST) != value; i++)
        rest(1000);
    return __atomic_load_n(word, __ATOMIC_SEQ_CST) == value;
}

/* The state of a task as a letter; '?' when it is gone. A traced stop is a stop. */
UNUSED static char state_of(pid_t tid)
{
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/%d/stat", tid);
    FILE *file = fopen(path, "re");
    if (file != NULL && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = '?';
    if (file != NULL)
        fclose(file);
    return state == 't' ? 'T' : state;
}

UNUSED static int comes_to(pid_t tid, char state)
{
    for (int i = 0; i < PATIENCE && state_of(tid) != state; i++)
        rest(1000);
    return state_of(tid) == state;
}

UNUSED static const char *name_of(long result)
{
    return result < 0 ? strerrorname_np(errno) : "done";
}

UNUSED static void *shared(size_t size)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

UNUSED static void handle(int sig, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(sig, &action, NULL);
}

UNUSED static int answer(int argc, char **argv, const struct question *all, unsigned count)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned i = 0; i < count; i++) {
        if (argc > 1 && strcmp(argv[1], all[i].name) == 0) {
            all[i].run();
            return 0;
        }
    }

    return 2;
}
