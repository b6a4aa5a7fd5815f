/*
 * Attacks on the parent of the command: natively a program of the same user, in a run the init
 * process. Expected: EPERM or EACCES for each, where natively each reaches its aim; signals that
 * would end it are ignored, as pid_namespaces(7) has it.
 */
#define _GNU_SOURCE
#include "escape.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

static pid_t aim;

static void tell(const char *way, long ret)
{
    printf("%s: %s\n", way, ret < 0 ? strerrorname_np(errno) : "reached");
    fflush(stdout);
}

/* Some open for the owner, and refuse the content to who cannot trace. */
static void file_of(const char *file, int flags)
{
    char path[64], byte;
    snprintf(path, sizeof path, "/proc/%d/%s", aim, file);
    int fd = open(path, flags);
    long had = fd < 0 || flags & O_PATH ? fd : pread(fd, &byte, 1, 0);
    tell(file, had < 0 && (errno == EIO || errno == EISDIR) ? 0 : had);
    if (fd >= 0)
        close(fd);
}

static void link_of(const char *file)
{
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/%d/%s", aim, file);
    tell(file, readlink(path, text, sizeof text));
}

int main(int argc, char **argv)
{
    char bytes[8];
    struct iovec local = {bytes, sizeof bytes}, remote = {(void *)4096, sizeof bytes};
    aim = getppid();
    if (argc > 1 && !strcmp(argv[1], "signals")) {
        const int deadly[] = {SIGKILL, SIGTERM, SIGSEGV, SIGSYS, SIGTRAP, SIGSTOP, SIGINT, SIGHUP};
        for (unsigned i = 0; i < sizeof deadly / sizeof *deadly; i++)
            kill(aim, deadly[i]);
        usleep(100000);
        tell("it lives", kill(aim, 0));
        return 0;
    }

    long had = process_vm_readv(aim, &local, 1, &remote, 1, 0);
    tell("readv", had < 0 && errno == EFAULT ? 0 : had);
    had = process_vm_writev(aim, &local, 1, &remote, 1, 0);
    tell("writev", had < 0 && errno == EFAULT ? 0 : had);
    tell("kcmp", syscall(SYS_kcmp, aim, getpid(), KCMP_FILES, 0, 0));
    int pidfd = (int)syscall(SYS_pidfd_open, aim, 0);
    for (int fd = 0, got = -1; fd < 64 && got < 0; fd++) {
        got = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
        if (got >= 0 || errno != EBADF || fd == 63) {
            tell("a descriptor", got);
            break;
        }
    }

    file_of("mem", O_RDWR);
    file_of("maps", O_RDONLY);
    file_of("environ", O_RDONLY);
    file_of("auxv", O_RDONLY);
    file_of("syscall", O_RDONLY);
    file_of("cwd/.", O_RDONLY | O_PATH);
    file_of("root/.", O_RDONLY | O_PATH);
    file_of("exe", O_RDONLY);
    file_of("ns/mnt", O_RDONLY | O_PATH);
    file_of("ns/user", O_RDONLY | O_PATH);
    file_of("fd/0", O_RDONLY | O_PATH);
    file_of("fd/3", O_RDONLY | O_PATH);
    link_of("cwd");
    link_of("root");
    link_of("exe");
    tell("trace", ptrace(PTRACE_SEIZE, aim, 0, 0));
    return 0;
}
