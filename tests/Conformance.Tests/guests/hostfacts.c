/* What this host allows, asked without the sandbox: a line "NAME 0|1|VALUE" for each fact. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int unshares(int flags)
{
    fflush(stdout);
    pid_t child = fork();
    int status = 1;
    if (child == 0)
        _exit(unshare(flags) != 0);
    waitpid(child, &status, 0);
    return status == 0;
}

static void namespaces(void)
{
    static const struct {
        const char *name;
        int flag;
    } types[] = {
        {"pid", CLONE_NEWPID}, {"net", CLONE_NEWNET},       {"ipc", CLONE_NEWIPC},
        {"uts", CLONE_NEWUTS}, {"cgroup", CLONE_NEWCGROUP}, {"time", 0x80},
    };
    printf("namespaces.user %d\n", unshares(CLONE_NEWUSER));
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
        printf("namespaces.%s %d\n", types[i].name,
               unshares(CLONE_NEWUSER | types[i].flag) || unshares(types[i].flag));
}

int main(void)
{
    namespaces();
    long version = syscall(444, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    printf("landlock.abi %ld\n", version < 0 ? 0 : version);
    printf("fuse.device %d\n", open("/dev/fuse", O_RDWR) >= 0);
    printf("calls.kcmp %d\n", syscall(SYS_kcmp, getpid(), getpid(), KCMP_VM, 0, 0) == 0);
    printf("calls.pidfd_open %d\n", syscall(434, getpid(), 0) >= 0);
    return 0;
}
