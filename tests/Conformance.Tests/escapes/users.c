/*
 * Root's guest that moves away from what the policy sets, becomes another user, and makes tasks
 * and leaves some running. Expected: the supervisor, which has given up most of its capabilities
 * by then, reads its struct, sets its child's nice value and place before the OOM killer, and
 * ends what it left.
 */
#define _GNU_SOURCE
#include "escape.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/resource.h>

enum { NOBODY = 65534 };

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        exit(98);
    close(fd);
}

int main(int argc, char **argv)
{
    char adj[16] = "";
    if (argc == 1) {
        setpriority(PRIO_PROCESS, 0, -3);
        write_file("/proc/self/oom_score_adj", "200");
        if (setgid(NOBODY) || setuid(NOBODY))
            return 99;
        /* What /proc shows of a program that it started is that user's, not root's. */
        execl("/proc/self/exe", argv[0], "again", NULL);
        return 97;
    }

    struct clone_args args = {.exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) {
        int fd = open("/proc/self/oom_score_adj", O_RDONLY);
        if (read(fd, adj, sizeof adj - 1) < 0)
            _exit(1);
        printf("nice %d, oom %s", getpriority(PRIO_PROCESS, 0), adj);
        fflush(stdout);
        _exit(0);
    }

    printf("clone3 %s\n", word(pid));
    if (pid > 0)
        ended((pid_t)pid);
    fflush(stdout);
    if (fork() == 0) {
        setsid();
        if (fork() == 0)
            for (;;)
                pause();
        for (;;)
            pause();
    }

    return 0;
}
