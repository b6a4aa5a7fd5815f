/* Tries each way to make a file that runs with its owner's or group's rights. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static const char *name = "made";

/* Makes the file in one way, with a mode. */
static void make(int way, mode_t mode)
{
    struct open_how how = {.flags = O_CREAT | O_WRONLY, .mode = mode};
    int fd = -1;
    unlink(name);
    if (way >= 5) {
        fd = open(name, O_CREAT | O_WRONLY, 0600);
        close(fd);
    }

    switch (way) {
    case 0:
        fd = syscall(SYS_open, name, O_CREAT | O_WRONLY, mode);
        break;
    case 1:
        fd = syscall(SYS_openat, AT_FDCWD, name, O_CREAT | O_WRONLY, mode);
        break;
    case 2:
        fd = syscall(SYS_creat, name, mode);
        break;
    case 3:
        fd = syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof how);
        break;
    case 4:
        fd = syscall(SYS_openat, AT_FDCWD, ".", O_TMPFILE | O_WRONLY, mode);
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
        break;
    case 5:
        syscall(SYS_chmod, name, mode);
        break;
    case 6:
        fd = open(name, O_RDONLY);
        syscall(SYS_fchmod, fd, mode);
        break;
    case 7:
        syscall(SYS_fchmodat, AT_FDCWD, name, mode);
        break;
    case 8:
        if (syscall(SYS_fchmodat2, AT_FDCWD, name, mode, 0) < 0 && errno == ENOSYS)
            chmod(name, mode);
        break;
    case 9:
        unlink(name);
        syscall(SYS_mknod, name, S_IFREG | mode, 0);
        break;
    case 10:
        unlink(name);
        syscall(SYS_mknodat, AT_FDCWD, name, S_IFREG | mode, 0);
        break;
    case 11:
        rename(name, "other");
        mkdir("sub", 0700);
        fd = open("sub", O_PATH);
        syscall(SYS_openat, fd, "made", O_CREAT | O_WRONLY | O_EXCL, mode);
        rename("sub/made", name);
        rmdir("sub");
        unlink("other");
        break;
    }

    if (fd >= 0)
        close(fd);
}

int main(void)
{
    int made = 0, plain = 0;
    umask(0);
    for (int way = 0; way < 12; way++) {
        struct stat is;
        make(way, way % 2 ? 02711 : 04711);
        made += stat(name, &is) == 0 && (is.st_mode & (S_ISUID | S_ISGID)) != 0;
    }

    static const int common[] = {0, 1, 5, 10};
    for (int i = 0; i < 4; i++) {
        struct stat is;
        make(common[i], 0711);
        plain += stat(name, &is) == 0 && (is.st_mode & 07777) == 0711;
    }

    unlink(name);
    printf("%d of 12 ways made one, and %d of 4 made a plain file\n", made, plain);
    return 0;
}
