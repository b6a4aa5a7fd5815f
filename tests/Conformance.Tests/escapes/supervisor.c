/*
 * Attacks on the supervisor itself by a guest of its user: its memory, its descriptors, its
 * control. Expected: EPERM or EACCES for each, where natively each reaches its aim.
 *
 * "supervisor COMMAND..." gives up all capabilities and runs the command, so that root's tests
 * try what an unprivileged user's do; what root can is a limit that docs/security.md names.
 */
#define _GNU_SOURCE
#include "escape.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>

static void try_file(pid_t aim, const char *name, int flags)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", aim, name);
    int fd = open(path, flags);
    printf("%s: %s\n", name, word(fd));
    if (fd >= 0)
        close(fd);
}

static void look(pid_t aim)
{
    char bytes[64];
    struct iovec local = {bytes, sizeof bytes}, remote = {(void *)0x400000, sizeof bytes};
    printf("readv: %s\n", word(process_vm_readv(aim, &local, 1, &remote, 1, 0)));
    printf("writev: %s\n", word(process_vm_writev(aim, &local, 1, &remote, 1, 0)));
    printf("seize: %s\n", word(ptrace(PTRACE_SEIZE, aim, 0, 0)));
    printf("attach: %s\n", word(ptrace(PTRACE_ATTACH, aim, 0, 0)));
    printf("kcmp: %s\n", word(syscall(SYS_kcmp, aim, getpid(), KCMP_FILES, 0, 0)));
    int pidfd = (int)syscall(SYS_pidfd_open, aim, 0);
    printf("getfd 3: %s\n", word(syscall(SYS_pidfd_getfd, pidfd, 3, 0)));
    printf("getfd 1: %s\n", word(syscall(SYS_pidfd_getfd, pidfd, 1, 0)));
    printf("madvise: %s\n",
           word(syscall(SYS_process_madvise, pidfd, &remote, 1, 21 /* MADV_PAGEOUT */, 0)));
    printf("setns: %s\n", word(setns(pidfd, CLONE_NEWUTS)));
    printf("move_pages: %s\n",
           word(syscall(SYS_move_pages, aim, 0, NULL, NULL, NULL, 0)));
    try_file(aim, "mem", O_RDWR);
    try_file(aim, "maps", O_RDONLY);
    try_file(aim, "environ", O_RDONLY);
    try_file(aim, "auxv", O_RDONLY);
    try_file(aim, "pagemap", O_RDONLY);
    try_file(aim, "fd/1", O_WRONLY);
    try_file(aim, "fdinfo", O_RDONLY | O_DIRECTORY);
    try_file(aim, "cwd/.", O_RDONLY);
    try_file(aim, "exe", O_RDONLY);
    try_file(aim, "ns/mnt", O_RDONLY);
}

/* Each thread of the supervisor is as closed as its first. */
static void look_at_threads(pid_t aim)
{
    char path[64], bytes[8];
    struct iovec local = {bytes, sizeof bytes}, remote = {(void *)0x400000, sizeof bytes};
    int threads = 0, reached = 0;
    snprintf(path, sizeof path, "/proc/%d/task", aim);
    DIR *tasks = opendir(path);
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        pid_t tid = atoi(entry->d_name);
        if (tid == 0)
            continue;
        threads++;
        reached += ptrace(PTRACE_SEIZE, tid, 0, 0) == 0;
        reached += process_vm_readv(tid, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT;
        snprintf(path, sizeof path, "/proc/%d/mem", tid);
        reached += open(path, O_RDONLY) >= 0;
    }

    printf("several threads %d, reached %d\n", threads > 1, reached);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        without_capabilities();
        execvp(argv[1], argv + 1);
        return 99;
    }

    look(supervisor());
    look_at_threads(supervisor());
    return 0;
}
