/*
 * A clone3 whose struct lies in memory that does not come: pages that userfaultfd(2) serves,
 * and nobody does, or a file of a FUSE server that does not answer. Natively the call waits for
 * it. Expected: the supervisor's read of it is ended in bounded time, at the cost of whose
 * memory it is; a bystander's creations go on.
 *
 * stall own: the caller holds the userfaultfd. stall others: another process does.
 * stall user: one that serves faults of user mode only, which anybody may have.
 * stall served: a thread serves the page after a while, and the call goes on as natively.
 */
#define _GNU_SOURCE
#include "escape.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

enum { PAGE = 4096, BYSTANDER = 50, NOT_HAD = 77 };

static char *slow;

static int userfault(int flags)
{
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | flags);
    struct uffdio_api api = {.api = UFFD_API};
    struct uffdio_register range = {.range = {(unsigned long)slow, PAGE},
                                    .mode = UFFDIO_REGISTER_MODE_MISSING};
    if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range)) {
        printf("userfaultfd: %s\n", strerrorname_np(errno));
        fflush(stdout);
        _exit(NOT_HAD);
    }

    return fd;
}

static void *serve(void *arg)
{
    static char page[PAGE];
    int fd = *(int *)arg;
    struct clone_args args = {.exit_signal = SIGCHLD};
    struct uffd_msg message;
    memcpy(page, &args, sizeof args);
    if (read(fd, &message, sizeof message) != sizeof message)
        return NULL;
    usleep(50000);
    struct uffdio_copy copy = {.dst = (unsigned long)slow, .src = (unsigned long)page, .len = PAGE};
    ioctl(fd, UFFDIO_COPY, &copy);
    return arg;
}

static void call(int flags, int served, int others)
{
    pthread_t thread;
    int fd = userfault(flags);
    if (served)
        pthread_create(&thread, NULL, serve, &fd);
    if (others && fork() == 0)
        for (;;)
            pause();
    long ret = syscall(SYS_clone3, slow, sizeof(struct clone_args));
    if (ret == 0)
        _exit(0);
    printf("clone3: %s\n", word(ret));
    fflush(stdout);
    _exit(ret > 0 ? ended((pid_t)ret) : 0);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "own";
    int made = 0;
    slow = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    pid_t caller = fork();
    if (caller == 0)
        call(!strcmp(what, "user") ? UFFD_USER_MODE_ONLY : 0, !strcmp(what, "served"),
             !strcmp(what, "others"));
    while (made < BYSTANDER) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        made += child > 0 && ended(child) == 0;
        usleep(2000);
    }

    int end = ended(caller);
    printf("caller %d, bystander %d\n", end, made);
    return end == NOT_HAD ? NOT_HAD : 0;
}
