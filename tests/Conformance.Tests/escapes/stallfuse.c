/*
 * A clone3 whose struct lies in a mapped file of a FUSE server, another guest, that never
 * answers the read. Root's guest only: it mounts, in a mount namespace of its own. Natively the
 * call waits for ever. Expected: the run ends in bounded time, and says whose memory it was.
 * Without a directory it only tries whether it may mount.
 */
#define _GNU_SOURCE
#include "escape.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum { PAGE = 4096, FILE_ID = 2 };

static void answer(int fd, unsigned long unique, int error, const void *body, size_t size)
{
    char bytes[512];
    struct fuse_out_header header = {.len = (unsigned)(sizeof header + size), .error = error,
                                     .unique = unique};
    memcpy(bytes, &header, sizeof header);
    if (size)
        memcpy(bytes + sizeof header, body, size);
    if (write(fd, bytes, header.len) < 0)
        _exit(3);
}

static struct fuse_attr attributes(unsigned long id)
{
    return (struct fuse_attr){.ino = id, .size = PAGE, .blocks = 8, .nlink = 1, .blksize = PAGE,
                              .mode = id == FILE_ID ? S_IFREG | 0644 : S_IFDIR | 0755};
}

static void serve(int fd)
{
    static char request[1 << 17];
    while (read(fd, request, sizeof request) > 0) {
        struct fuse_in_header *in = (struct fuse_in_header *)request;
        struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = PAGE};
        struct fuse_entry_out entry = {.nodeid = FILE_ID, .entry_valid = 60, .attr_valid = 60,
                                       .attr = attributes(FILE_ID)};
        struct fuse_attr_out attr = {.attr_valid = 60, .attr = attributes(in->nodeid)};
        struct fuse_open_out opened = {.fh = 1};
        switch (in->opcode) {
        case FUSE_INIT:
            answer(fd, in->unique, 0, &init, sizeof init);
            break;
        case FUSE_LOOKUP:
            answer(fd, in->unique, 0, &entry, sizeof entry);
            break;
        case FUSE_GETATTR:
            answer(fd, in->unique, 0, &attr, sizeof attr);
            break;
        case FUSE_OPEN:
            answer(fd, in->unique, 0, &opened, sizeof opened);
            break;
        case FUSE_READ:
        case FUSE_INTERRUPT:
            break; /* never */
        default:
            answer(fd, in->unique, -ENOSYS, NULL, 0);
            break;
        }
    }
}

int main(int argc, char **argv)
{
    const char *place = argc > 1 ? argv[1] : ".";
    char options[96], path[256];
    int fd = open("/dev/fuse", O_RDWR);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
    snprintf(path, sizeof path, "%s/file", place);
    if (fd < 0 || unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("attack", place, "fuse", MS_NOSUID | MS_NODEV, options)) {
        printf("fuse: %s\n", strerrorname_np(errno));
        return 77;
    }

    if (argc < 2)
        return 0;
    if (fork() == 0) {
        serve(fd);
        _exit(0);
    }

    close(fd);
    int file = open(path, O_RDONLY);
    char *slow = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    printf("mapped %s\n", slow == MAP_FAILED ? strerrorname_np(errno) : "the file");
    fflush(stdout);
    long ret = syscall(SYS_clone3, slow, sizeof(struct clone_args));
    if (ret == 0)
        _exit(0);
    printf("clone3: %s\n", word(ret));
    return 0;
}
