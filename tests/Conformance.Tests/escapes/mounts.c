/*
 * Ways to a hidden file, and to write to a read-only one, by changes to mounts and roots.
 * Expected: EPERM for who has no privileges; and for who has all of them in a user namespace and
 * a mount namespace of its own making, no way that reaches. Who owns the mounts reaches both.
 *
 * "mounts WAY FILE READ-ONLY DIRECTORY": "as-is" tries with what there is, "own" makes the two
 * namespaces first, "twice" does so two times, "rights" uses those over the mounts. The secret is FILE, in a hidden directory; the
 * file READ-ONLY lies in a directory of its own; DIRECTORY is writable and above both of them.
 * Each attempt is a child, so that it finds things as they were.
 */
#define _GNU_SOURCE
#include "reached.h"

#include <limits.h>
#include <linux/mount.h>
#include <sched.h>

int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);

enum { RDONLY = 1, REMOUNT = 32, BIND = 4096, MOVE = 8192, REC = 16384, SHARED = 1 << 20,
       DETACH = 2, EXPIRE = 4 };

static const char *secret, *read_only, *directory;
static char hidden[PATH_MAX], kept[PATH_MAX], place[PATH_MAX];

/* User 0 of the host may not map itself without capabilities; it has them all inside even so. */
static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        errno = 0;
    close(fd);
}

static int own_namespaces(void)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
        return -1;
    put("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", uid);
    put("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1", gid);
    put("/proc/self/gid_map", map);
    errno = 0;
    return 0;
}

static int at_place(const char *rest)
{
    char path[2 * PATH_MAX];
    int why = errno;
    snprintf(path, sizeof path, "%s/%s", place, rest);
    int reached = holds_secret(AT_FDCWD, path);
    errno = reached ? why : errno;
    return reached;
}

static int then_secret(int failed)
{
    int why = errno;
    int reached = holds_secret(AT_FDCWD, secret);
    errno = failed ? why : errno;
    return reached;
}

static int then_write(int failed)
{
    int why = errno;
    int reached = can_write(AT_FDCWD, read_only);
    errno = failed ? why : errno;
    return reached;
}

static int unmount(void)
{
    return then_secret(umount2(hidden, 0));
}

static int detach(void)
{
    return then_secret(umount2(hidden, DETACH));
}

static int expire(void)
{
    umount2(hidden, EXPIRE);
    return then_secret(umount2(hidden, EXPIRE));
}

/* Every mount below which the secret is, from the innermost outwards. */
static int unmount_all(void)
{
    char path[PATH_MAX];
    int last = 0;
    snprintf(path, sizeof path, "%s", hidden);
    for (char *end; (end = strrchr(path, '/')); *end = 0)
        for (int i = 0; i < 4; i++)
            last = umount2(end == path ? "/" : path, DETACH);
    return then_secret(last);
}

static int move_cover(void)
{
    return then_secret(mount(hidden, place, NULL, MOVE, NULL));
}

static int bind_above(unsigned long how)
{
    return mount(directory, place, NULL, BIND | how, NULL) == 0 &&
           at_place(secret + strlen(directory) + 1);
}

static int bind_one(void)
{
    return bind_above(0);
}

static int bind_all(void)
{
    char path[2 * PATH_MAX];
    if (bind_above(REC))
        return 1;
    snprintf(path, sizeof path, "%s%s", place, hidden + strlen(directory));
    umount2(path, DETACH);
    return at_place(secret + strlen(directory) + 1);
}

static int copy_of_directory(void)
{
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, directory, OPEN_TREE_CLONE);
    return tree >= 0 && holds_secret(tree, secret + strlen(directory) + 1);
}

static int overlay(void)
{
    char options[3 * PATH_MAX], upper[PATH_MAX + 8], work[PATH_MAX + 8];
    if (mount("none", place, "tmpfs", 0, NULL))
        return 0;
    snprintf(upper, sizeof upper, "%s/upper", place);
    snprintf(work, sizeof work, "%s/work", place);
    if (mkdir(upper, 0755) || mkdir(work, 0755))
        return 0;
    snprintf(options, sizeof options, "userxattr,lowerdir=%s,upperdir=%s,workdir=%s", directory,
             upper, work);
    return mount("none", place, "overlay", 0, options) == 0 &&
           at_place(secret + strlen(directory) + 1);
}

/* A new root, the old one below it, and what covers it there taken off. */
static int pivot(void)
{
    char old[PATH_MAX + 8], path[3 * PATH_MAX];
    if (mount("none", place, "tmpfs", 0, NULL))
        return 0;
    snprintf(old, sizeof old, "%s/old", place);
    if (mkdir(old, 0755) || syscall(SYS_pivot_root, place, old))
        return 0;
    snprintf(path, sizeof path, "/old%s", hidden);
    umount2(path, DETACH);
    snprintf(path, sizeof path, "/old%s", secret);
    if (holds_secret(AT_FDCWD, path))
        return 1;
    umount2("/old", DETACH);
    return holds_secret(AT_FDCWD, secret);
}

static int pivot_in_place(void)
{
    if (mount(directory, place, NULL, BIND, NULL) || chdir(place) ||
        syscall(SYS_pivot_root, ".", "."))
        return 0;
    umount2(".", DETACH);
    return holds_secret(AT_FDCWD, secret + strlen(directory));
}

static int shared_cover(void)
{
    mount(NULL, "/", NULL, SHARED | REC, NULL);
    return then_secret(umount2(hidden, DETACH));
}

static int remount(void)
{
    return then_write(mount(NULL, kept, NULL, REMOUNT | BIND, NULL));
}

static int remount_above(void)
{
    char path[PATH_MAX];
    int last = 0;
    snprintf(path, sizeof path, "%s", kept);
    for (char *end; (end = strrchr(path, '/')); *end = 0)
        last = mount(NULL, end == path ? "/" : path, NULL, REMOUNT | BIND, NULL);
    return then_write(last);
}

static int set_attributes(const char *path, unsigned flags)
{
    struct mount_attr writable = {.attr_clr = MOUNT_ATTR_RDONLY};
    return then_write(
        (int)syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &writable, sizeof writable));
}

static int attributes(void)
{
    return set_attributes(kept, 0);
}

static int attributes_of_all(void)
{
    return set_attributes(directory, AT_RECURSIVE);
}

static int bind_writable(void)
{
    char path[2 * PATH_MAX];
    if (mount(kept, place, NULL, BIND, NULL) || mount(NULL, place, NULL, REMOUNT | BIND, NULL))
        return 0;
    snprintf(path, sizeof path, "%s/%s", place, strrchr(read_only, '/') + 1);
    return can_write(AT_FDCWD, path);
}

static int copy_writable(void)
{
    struct mount_attr writable = {.attr_clr = MOUNT_ATTR_RDONLY};
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, kept, OPEN_TREE_CLONE | AT_RECURSIVE);
    return tree >= 0 &&
           syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &writable, sizeof writable) == 0 &&
           can_write(tree, strrchr(read_only, '/') + 1);
}

static int unmount_read_only(void)
{
    return then_write(umount2(kept, DETACH));
}

static int move_read_only(void)
{
    return then_write(mount(kept, place, NULL, MOVE, NULL));
}

static const struct {
    const char *name;
    int (*attempt)(void);
} attempts[] = {
    {"umount", unmount}, {"umount, lazily", detach}, {"umount, by expiry", expire},
    {"umount of all above", unmount_all}, {"the cover moved", move_cover},
    {"bind beside", bind_one}, {"bind of all beside", bind_all},
    {"open_tree", copy_of_directory}, {"overlay", overlay}, {"pivot_root", pivot},
    {"pivot_root in place", pivot_in_place}, {"propagation", shared_cover},
    {"remount", remount}, {"remount of all above", remount_above},
    {"mount_setattr", attributes}, {"mount_setattr of all", attributes_of_all},
    {"bind and remount", bind_writable}, {"open_tree and mount_setattr", copy_writable},
    {"umount of read-only", unmount_read_only}, {"read-only moved", move_read_only},
};

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    secret = argv[2];
    read_only = argv[3];
    directory = argv[4];
    snprintf(hidden, sizeof hidden, "%.*s", (int)(strrchr(secret, '/') - secret), secret);
    snprintf(kept, sizeof kept, "%.*s", (int)(strrchr(read_only, '/') - read_only), read_only);
    snprintf(place, sizeof place, "%s/place", directory);
    mkdir(place, 0755);
    for (unsigned i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        pid_t child = fork();
        if (child == 0) {
            int failed = 0;
            for (int n = strcmp(argv[1], "twice") ? !strcmp(argv[1], "own") : 2; n > 0; n--)
                failed |= own_namespaces();
            if (!strcmp(argv[1], "rights"))
                failed |= unshare(CLONE_NEWNS);
            tell(attempts[i].name, !failed && attempts[i].attempt());
            exit(0);
        }

        int end = ended(child);
        if (end != 0)
            printf("%s: ended %d\n", attempts[i].name, end);
        fflush(stdout);
    }

    return 0;
}
