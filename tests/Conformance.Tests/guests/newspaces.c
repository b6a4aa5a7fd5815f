/*
 * What stands in namespaces that a call has just made: "newspaces CALL", where CALL makes a user
 * and a network namespace by itself (clone, clone3, unshare), or is given them (fork, spawn).
 * "newspaces undumpable", "newspaces held N" ask what becomes of fork.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const unsigned long both = CLONE_NEWUSER | CLONE_NEWNET;

static void tell_map(const char *file)
{
    unsigned inner, outer, count;
    FILE *map = fopen(file, "r");
    if (map && fscanf(map, "%u %u %u", &inner, &outer, &count) == 3)
        printf(" %u:%u:%u", inner, outer, count);
    else
        printf(" none");
    if (map)
        fclose(map);
}

static int tell(void)
{
    char groups[8] = "";
    struct ifreq lo = {.ifr_name = "lo"};
    int fd = open("/proc/self/setgroups", O_RDONLY);
    if (fd >= 0 && read(fd, groups, 4) != 4)
        return 9;
    printf("ids %u %u maps", getuid(), getgid());
    tell_map("/proc/self/uid_map");
    tell_map("/proc/self/gid_map");
    int up = ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCGIFFLAGS, &lo) == 0 &&
             (lo.ifr_flags & IFF_UP);
    printf(" setgroups %s lo %s\n", groups, up ? "up" : "down");
    fflush(stdout);
    return 0;
}

static int end_of(pid_t pid)
{
    int status = 0;
    if (pid < 0)
        printf("%s\n", strerrorname_np(errno));
    else if (waitpid(pid, &status, 0) != pid || status)
        printf("ended with %x\n", status);
    return 0;
}

static pid_t make(const char *call)
{
    struct clone_args args = {.flags = both, .exit_signal = SIGCHLD};
    if (!strcmp(call, "clone"))
        return syscall(SYS_clone, both | SIGCHLD, 0, 0, 0, 0);
    if (!strcmp(call, "clone3"))
        return syscall(SYS_clone3, &args, sizeof args);
    return fork();
}

int main(int argc, char **argv)
{
    const char *call = argc > 1 ? argv[1] : "tell";
    if (!strcmp(call, "tell"))
        return tell();
    if (!strcmp(call, "unshare"))
        return unshare(both) ? printf("%s\n", strerrorname_np(errno)) : tell();
    if (!strcmp(call, "spawn")) {
        extern char **environ;
        char *words[] = {argv[0], "tell", NULL};
        pid_t pid = -1;
        errno = posix_spawn(&pid, argv[0], NULL, NULL, words, environ);
        return end_of(errno ? -1 : pid);
    }

    if (!strcmp(call, "held")) {
        /* So many at once, of which each lives until all have been tried. */
        int pipe_ends[2], made = 0;
        if (pipe(pipe_ends))
            return 9;
        for (int i = 0; i < atoi(argv[2]); i++) {
            pid_t pid = fork();
            if (pid == 0) {
                char byte;
                close(pipe_ends[1]);
                _exit(read(pipe_ends[0], &byte, 1) == 0 ? 0 : 1);
            }

            made += pid > 0;
        }

        printf("%d made\n", made);
        return 0;
    }

    if (!strcmp(call, "undumpable"))
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    pid_t pid = make(call);
    return pid == 0 ? tell() : end_of(pid);
}
