/*
 * Doors that are shut for every guest. Expected: io_uring EPERM in each of its calls; input
 * pushed into the terminal EPERM, whatever the upper half of the request says; no descriptor
 * but 0 to 2, and none of the supervisor's files.
 */
#define _GNU_SOURCE
#include "escape.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/ioctl.h>

static void io_uring(void)
{
    struct io_uring_params params;
    memset(&params, 0, sizeof params);
    printf("setup: %s\n", word(syscall(SYS_io_uring_setup, 4, &params)));
    memset(&params, 0, sizeof params);
    params.flags = IORING_SETUP_SQPOLL;
    printf("setup with a kernel thread: %s\n", word(syscall(SYS_io_uring_setup, 4, &params)));
    printf("enter: %s\n", word(syscall(SYS_io_uring_enter, 0, 1, 1, 0, NULL, 0)));
    printf("register: %s\n", word(syscall(SYS_io_uring_register, 0, 0, NULL, 0)));
}

static void terminal(int fd)
{
    const unsigned long requests[] = {TIOCSTI, TIOCSTI | 1UL << 32, TIOCSTI | 0xffffffffUL << 32,
                                      TIOCLINUX, TIOCLINUX | 1UL << 63};
    for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++)
        printf("terminal %u: %s\n", i, word(syscall(SYS_ioctl, fd, requests[i], "x")));
}

static void descriptors(void)
{
    DIR *open_ones = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(open_ones));)
        if (atoi(entry->d_name) != dirfd(open_ones) && entry->d_name[0] != '.')
            printf("descriptor %s\n", atoi(entry->d_name) > 2 ? entry->d_name : "of three");
    closedir(open_ones);
}

int main(void)
{
    int tty = open("/dev/tty", O_RDWR | O_NOCTTY);
    io_uring();
    terminal(tty >= 0 ? tty : 0);
    if (tty >= 0)
        close(tty);
    descriptors();
    return 0;
}
