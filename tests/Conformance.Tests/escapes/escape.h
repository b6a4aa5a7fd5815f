/* What the attacks have in common: names of results, and the supervisor as a guest sees it. */
#ifndef ESCAPE_H
#define ESCAPE_H

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A result in a word; errno is asked at once. */
__attribute__((unused)) static const char *word(long ret)
{
    return ret < 0 ? strerrorname_np(errno) : "done";
}

/* A number in /proc/PID/status; -1 when it is not there. */
__attribute__((unused)) static long status_field(pid_t pid, const char *field)
{
    char path[64], line[256];
    long value = -1;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, field, strlen(field)) && line[strlen(field)] == ':')
            value = strtol(line + strlen(field) + 1, NULL, 10);
    if (file)
        fclose(file);
    return value;
}

/* Who traces this process: the supervisor. Natively, so that an attack has an aim, its parent. */
__attribute__((unused)) static pid_t supervisor(void)
{
    long tracer = status_field(getpid(), "TracerPid");
    return tracer > 0 ? (pid_t)tracer : getppid();
}

/*
 * Gives up every capability for good, so that root is a user like any other: what is left to
 * try is what an unprivileged guest can.
 */
__attribute__((unused)) static void without_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2];
    memset(none, 0, sizeof none);
    prctl(PR_SET_SECUREBITS, 1 | 2 | 4 | 8, 0, 0, 0); /* SECBIT_NOROOT and the like, locked */
    if (syscall(SYS_capset, &header, none))
        exit(99);
}

/* How a child ended: its status, or 1000 and the signal; -1 when there is none. */
__attribute__((unused)) static int ended(pid_t pid)
{
    int status = 0;
    if (waitpid(pid, &status, __WALL) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#endif
