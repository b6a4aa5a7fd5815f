/*
 * setns(2) by descriptors of another process's namespaces: 'setnsrace PID' enters its uts and
 * net namespace, whatever type it names; 'setnsrace PID race' enters by a descriptor that a
 * second thread keeps changing between the two.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES 20000

static int uts, net, moving = 100;

static int open_of(const char *pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/ns/%s", pid, name);
    return open(path, O_RDONLY);
}

static void *swap(void *unused)
{
    for (;;) {
        dup2(net, moving);
        dup2(uts, moving);
    }

    return unused;
}

/* 0 when nothing denied was ever entered; a process that entered it must not get so far. */
static int race(void)
{
    char before[64] = "", now[64] = "";
    pthread_t thread;
    if (readlink("/proc/thread-self/ns/net", before, sizeof before - 1) < 0)
        return 2;
    dup2(uts, moving);
    pthread_create(&thread, NULL, swap, NULL);
    for (int i = 0; i < TRIES; i++) {
        if (setns(moving, 0) < 0)
            continue;
        if (readlink("/proc/thread-self/ns/net", now, sizeof now - 1) < 0 || strcmp(before, now))
            return 1;
    }

    return 0;
}

static const char *entered(int fd, int type)
{
    return setns(fd, type) == 0 ? "entered" : strerrorname_np(errno);
}

int main(int argc, char **argv)
{
    uts = open_of(argv[1], "uts");
    net = open_of(argv[1], "net");
    if (uts < 0 || net < 0)
        return 3;
    if (argc == 2) {
        printf("uts %s, uts as 0 %s, ", entered(uts, CLONE_NEWUTS), entered(uts, 0));
        printf("net %s, net as 0 %s\n", entered(net, CLONE_NEWNET), entered(net, 0));
        return 0;
    }

    int escaped = 0;
    for (int round = 0; round < 3; round++) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0)
            _exit(race());
        waitpid(pid, &status, 0);
        escaped += WIFEXITED(status) && WEXITSTATUS(status) != 0;
    }

    printf("escaped %d\n", escaped);
    return 0;
}
