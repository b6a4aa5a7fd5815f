/*
 * Ways out of the namespaces of a run: to what host.c has brought up outside.
 * Expected: each is open natively, and under a policy without the namespace that closes it;
 * closed with it. "outside own" tries from a user namespace that the guest makes.
 */
#define _GNU_SOURCE
#include "escape.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

enum { SEARCH = 10, READ = 11, SESSION_KEYRING = -3 };

static const char *name;
static int pid;

static void tell(const char *way, long ret)
{
    printf("%s: %s\n", way, ret < 0 ? strerrorname_np(errno) : "reached");
}

static long number(const char *variable)
{
    const char *text = getenv(variable);
    return text ? atol(text) : 0;
}

static void network(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((unsigned short)number("HOST_PORT"));
    tell("net tcp", connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address,
                            sizeof address));
    struct sockaddr_un abstract = {.sun_family = AF_UNIX};
    strcpy(abstract.sun_path + 1, name);
    tell("net abstract socket",
         connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&abstract,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))));
    char line[256];
    int found = 0;
    FILE *sockets = fopen("/proc/net/unix", "r");
    while (sockets && fgets(line, sizeof line, sockets))
        found |= strstr(line, name) != NULL;
    errno = ENOENT;
    tell("net list of sockets", found ? 0 : -1);
}

static void ipc(void)
{
    key_t key = (key_t)number("HOST_KEY");
    char path[96];
    snprintf(path, sizeof path, "/%s", name);
    tell("ipc shared memory", shmget(key, 0, 0666));
    tell("ipc semaphores", semget(key, 0, 0666));
    tell("ipc message queue", msgget(key, 0666));
    tell("ipc named queue", mq_open(path, O_RDWR));
    tell("mount /dev/shm", shm_open(path, O_RDWR, 0));
}

static void file_of(const char *file, int flags)
{
    char path[64], way[80];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    snprintf(way, sizeof way, "pid /proc/PID/%s", file);
    tell(way, open(path, flags));
}

/* The process outside; where pids are its own, another or none has that number. */
static void process(void)
{
    char bytes[8];
    struct iovec local = {bytes, sizeof bytes}, remote = {(void *)4096, sizeof bytes};
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    tell("pid signal", kill(pid, 0));
    tell("pid pidfd", pidfd);
    tell("pid descriptor", syscall(SYS_pidfd_getfd, pidfd, 2, 0));

    /* Who may read is told that nothing is there. */
    long had = process_vm_readv(pid, &local, 1, &remote, 1, 0);
    tell("pid memory", had < 0 && errno == EFAULT ? 0 : had);
    tell("pid priority", syscall(SYS_sched_getscheduler, pid));
    file_of("status", O_RDONLY);
    file_of("root", O_PATH);
    file_of("mem", O_RDWR);
    file_of("environ", O_RDONLY);
    file_of("ns/mnt", O_RDONLY);
    file_of("fd/0", O_PATH);
    tell("pid trace", ptrace(PTRACE_SEIZE, pid, 0, 0));
}

static void keyring(void)
{
    long found = syscall(SYS_keyctl, SEARCH, SESSION_KEYRING, "user", name, 0);
    tell("key search", found);
    tell("key by its number", syscall(SYS_keyctl, READ, number("HOST_SECRET"), NULL, 0));
}

int main(int argc, char **argv)
{
    name = getenv("HOST_NAME");
    pid = (int)number("HOST_PID");
    if (!name || pid < 1)
        return 2;
    if (argc > 1 && !strcmp(argv[1], "own") && unshare(CLONE_NEWUSER))
        return 3;
    network();
    ipc();
    process();
    keyring();
    return 0;
}
