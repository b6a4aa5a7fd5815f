/*
 * Ways to a file that is hidden or denied, without any mount: by its name, by "..", by the links
 * of /proc, by descriptors, by other names for it, by a file handle.
 * Expected: none reaches it, where natively each does.
 *
 * "reach FILE DIRECTORY [HANDLE]": the file, and a writable directory above the hidden one.
 * "reach handle FILE" prints the file's handle for the third argument; natively only.
 */
#define _GNU_SOURCE
#include "reached.h"

#include <dirent.h>
#include <linux/openat2.h>
#include <limits.h>
#include <stdarg.h>

static const char *secret;

static int by(const char *format, ...)
{
    char path[2 * PATH_MAX];
    va_list list;
    va_start(list, format);
    vsnprintf(path, sizeof path, format, list);
    va_end(list);
    return holds_secret(AT_FDCWD, path);
}

static int by_any_task(const char *link)
{
    int reached = 0, why = ENOENT;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        if (atoi(entry->d_name) == 0 || atoi(entry->d_name) == getpid())
            continue;
        reached |= by("/proc/%s/%s/" UP "%s", entry->d_name, link, secret);
        why = errno;
    }

    if (proc)
        closedir(proc);
    errno = why;
    return reached;
}

static int by_descriptors_of(const char *task)
{
    int reached = 0;
    for (int fd = 0; fd < 64; fd++)
        reached |= by("/proc/%s/fd/%d/" UP "%s", task, fd, secret);
    return reached;
}

static int by_own_descriptors(void)
{
    char path[PATH_MAX];
    int reached = 0;
    snprintf(path, sizeof path, UP "%s", secret);
    for (int fd = 0; fd < 64; fd++)
        reached |= holds_secret(fd, path) || holds_secret(fd, secret + 1);
    return reached;
}

static int by_openat2(unsigned long resolve)
{
    struct open_how how = {.flags = O_RDONLY, .resolve = resolve};
    char path[64];
    int root = open("/", O_PATH | O_DIRECTORY);
    int fd = (int)syscall(SYS_openat2, root, secret, &how, sizeof how);
    int why = errno;
    close(root);
    errno = why;
    if (fd < 0)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return holds_secret(AT_FDCWD, path);
}

/* A descriptor for the name alone may be had where one for the content may not. */
static int by_name_alone(void)
{
    char path[64];
    int fd = open(secret, O_PATH);
    if (fd < 0)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return holds_secret(AT_FDCWD, path);
}

static int by_link(const char *directory, int hard)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s/link", directory);
    if (hard ? link(secret, name) : symlink(secret, name))
        return 0;
    int reached = holds_secret(AT_FDCWD, name);
    int why = errno;
    unlink(name);
    errno = why;
    return reached;
}

/* The hidden directory, or one above it, gets another name for a while. */
static int by_new_name(const char *old, const char *directory, const char *rest)
{
    char moved[PATH_MAX], path[2 * PATH_MAX];
    snprintf(moved, sizeof moved, "%s/moved", directory);
    if (rename(old, moved))
        return 0;
    snprintf(path, sizeof path, "%s/%s", moved, rest);
    int reached = holds_secret(AT_FDCWD, path);
    int why = errno;
    if (rename(moved, old))
        exit(99);
    errno = why;
    return reached;
}

static void by_new_names(const char *directory)
{
    char above[PATH_MAX], rest[PATH_MAX];
    snprintf(above, sizeof above, "%s", secret);
    *strrchr(above, '/') = 0;
    tell("the directory renamed", by_new_name(above, directory, strrchr(secret, '/') + 1));
    *strrchr(above, '/') = 0;
    snprintf(rest, sizeof rest, "%s", secret + strlen(above) + 1);
    tell("the one above renamed", by_new_name(above, directory, rest));
}

struct handle {
    struct file_handle fixed;
    unsigned char bytes[MAX_HANDLE_SZ];
};

static int print_handle(const char *path)
{
    struct handle handle = {.fixed.handle_bytes = MAX_HANDLE_SZ};
    int mount;
    if (name_to_handle_at(AT_FDCWD, path, &handle.fixed, &mount, 0))
        return 1;
    printf("%d", handle.fixed.handle_type);
    for (unsigned i = 0; i < handle.fixed.handle_bytes; i++)
        printf(":%d", handle.fixed.f_handle[i]);
    return 0;
}

static int by_handle(const char *text, const char *directory)
{
    struct handle handle = {.fixed.handle_type = atoi(text)};
    while ((text = strchr(text, ':')))
        handle.fixed.f_handle[handle.fixed.handle_bytes++] = (unsigned char)atoi(++text);
    int at = open(directory, O_RDONLY | O_DIRECTORY);
    int fd = open_by_handle_at(at, &handle.fixed, O_RDONLY);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return fd >= 0 && holds_secret(AT_FDCWD, path);
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "handle"))
        return print_handle(argv[2]);
    if (argc < 3)
        return 2;
    secret = argv[1];
    char parent[16];
    snprintf(parent, sizeof parent, "%d", getppid());
    tell("its name", by("%s", secret));
    tell("dots from here", by(UP "%s", secret));
    tell("own root", by("/proc/self/root%s", secret));
    tell("own directory", by("/proc/self/cwd/" UP "%s", secret));
    tell("the thread's root", by("/proc/thread-self/root%s", secret));
    tell("the parent's root", by("/proc/%s/root%s", parent, secret));
    tell("the parent's directory", by("/proc/%s/cwd/" UP "%s", parent, secret));
    tell("the parent's descriptors", by_descriptors_of(parent));
    tell("any task's root", by_any_task("root"));
    tell("any task's directory", by_any_task("cwd"));
    tell("inherited descriptors", by_own_descriptors());
    tell("links to descriptors", by_descriptors_of("self"));
    tell("openat2 below the root", by_openat2(RESOLVE_IN_ROOT));
    tell("the name alone", by_name_alone());
    tell("a symbolic link", by_link(argv[2], 0));
    tell("a hard link", by_link(argv[2], 1));
    by_new_names(argv[2]);
    if (argc > 3)
        tell("a handle", by_handle(argv[3], argv[2]));
    return 0;
}
