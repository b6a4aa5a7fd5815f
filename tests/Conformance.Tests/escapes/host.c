/*
 * What stands on the host, and a command that is told where: "host COMMAND..." brings up a
 * listener on the loopback device, a socket with an abstract name, shared memory, semaphores and
 * message queues, a key in its session keyring and a process of the same user; then it runs the
 * command with their names in the environment, takes all down, and ends as the command did.
 */
#define _GNU_SOURCE
#include "escape.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { JOIN_SESSION_KEYRING = 1, SESSION_KEYRING = -3 };

static char name[64];

static void tell_int(const char *variable, long value)
{
    char text[32];
    snprintf(text, sizeof text, "%ld", value);
    setenv(variable, text, 1);
    if (value < 0) {
        fprintf(stderr, "host: %s: %s\n", variable, strerrorname_np(errno));
        exit(99);
    }
}

static void listen_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 8) ||
        getsockname(fd, (struct sockaddr *)&address, &size))
        exit(98);
    tell_int("HOST_PORT", ntohs(address.sin_port));
}

static void listen_abstract(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(address.sun_path + 1, name);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 8))
        exit(97);
}

static void everybody(int fd)
{
    if (fd < 0 || fchmod(fd, 0666))
        exit(96);
    close(fd);
}

int main(int argc, char **argv)
{
    char queue[80];
    snprintf(name, sizeof name, "sandbox-test-%d", getpid());
    snprintf(queue, sizeof queue, "/%s", name);
    setenv("HOST_NAME", name, 1);
    listen_tcp();
    listen_abstract();
    everybody(shm_open(queue, O_RDWR | O_CREAT | O_EXCL, 0666));
    mqd_t messages = mq_open(queue, O_RDWR | O_CREAT | O_EXCL, 0666, NULL);
    everybody(messages);
    key_t key = getpid() | 0x5a000000;
    tell_int("HOST_KEY", key);
    int memory = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0666);
    int semaphores = semget(key, 1, IPC_CREAT | IPC_EXCL | 0666);
    int box = msgget(key, IPC_CREAT | IPC_EXCL | 0666);
    if (memory < 0 || semaphores < 0 || box < 0)
        exit(95);
    syscall(SYS_keyctl, JOIN_SESSION_KEYRING, NULL);
    tell_int("HOST_SECRET", syscall(SYS_add_key, "user", name, "secret", 6, SESSION_KEYRING));
    pid_t aim = fork();
    if (aim == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }

    tell_int("HOST_PID", aim);
    pid_t command = fork();
    if (command == 0) {
        execvp(argv[argc > 1 ? 1 : 0], argv + 1);
        _exit(127);
    }

    int end = ended(command);
    kill(aim, SIGKILL);
    int aim_end = ended(aim);
    if (aim_end != 1000 + SIGKILL)
        printf("the host's process: %d\n", aim_end);
    shm_unlink(queue);
    mq_unlink(queue);
    shmctl(memory, IPC_RMID, NULL);
    semctl(semaphores, 0, IPC_RMID);
    msgctl(box, IPC_RMID, NULL);
    return end;
}
