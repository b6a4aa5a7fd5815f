/*
 * Out of a changed root, by a directory that is open outside of it: chroot(2), "this call does
 * not change the current working directory". "leaveroot FILE DIRECTORY [own]", with a
 * directory to become the root for a while; with "own" in a user namespace of the guest's. Expected: it leads out of a chroot, and not out of a run whose root
 * is another file system. Linked statically, for there are no libraries.
 */
#define _GNU_SOURCE
#include "reached.h"

#include <sched.h>

int main(int argc, char **argv)
{
    if (argc > 3 && unshare(CLONE_NEWUSER | CLONE_NEWNS))
        return 3;
    int outside = open("/", O_PATH | O_DIRECTORY);
    int failed = chroot(argv[2]) || fchdir(outside) || chdir(UP) || chroot(".");
    if (argc > 3 && failed)
        return 4;
    int reached = holds_secret(AT_FDCWD, argv[1]);
    tell("out of the root", reached);
    return 0;
}
