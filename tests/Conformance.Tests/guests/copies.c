/*
 * Changes of a tree, one of each kind, in the directory that is named: "copies DIR". A line for
 * each says how it went. What differs on overlayfs by its own documentation is told apart: the
 * rename of a directory of the lower layer is EXDEV, as between file systems.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static void say(const char *what, long result)
{
    printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "done");
}

static long put(const char *name, int flags, const char *text)
{
    int fd = open(name, O_WRONLY | flags, 0644);
    long result = fd < 0 ? -1 : write(fd, text, strlen(text)) == (long)strlen(text) ? 0 : -1;
    if (fd >= 0)
        close(fd);
    return result;
}

static long write_by_map(const char *name, const char *text)
{
    int fd = open(name, O_RDWR);
    char *map = fd < 0 ? MAP_FAILED : mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return -1;
    memcpy(map, text, strlen(text));
    char seen[16] = "";
    long result = munmap(map, 4096);
    if (pread(fd, seen, strlen(text), 0) < 0 || strcmp(seen, text))
        result = -1;
    close(fd);
    return result;
}

static long read_before_and_after(const char *name)
{
    char text[8] = "";
    int fd = open(name, O_RDONLY), fresh;
    if (put(name, O_TRUNC, "later"))
        return -1;
    fresh = open(name, O_RDONLY);
    long result = read(fresh, text, 5) == 5 && !memcmp(text, "later", 5) ? 0 : -1;
    close(fd);
    close(fresh);
    return result;
}

int main(int argc, char **argv)
{
    struct timeval times[2] = {{1000000000, 0}, {1000000000, 0}};
    if (argc != 2 || chdir(argv[1]))
        return 1;
    umask(022);
    say("create", put("created", O_CREAT | O_EXCL, "new"));
    say("append", put("appended", O_APPEND, " and more"));
    say("truncate", truncate("truncated", 3));
    say("extend", truncate("extended", 100000));
    say("write over", put("over", O_TRUNC, "other"));
    say("map", write_by_map("mapped", "MAPPED"));
    say("seen at once", read_before_and_after("fresh"));
    say("rename", rename("renamed", "renamed.new"));
    say("rename over", rename("upon", "target"));
    say("rename a new directory", mkdir("made", 0755) || put("made/f", O_CREAT, "f") ||
                                      rename("made", "made.new") ? -1 : 0);
    say("rename into a directory", rename("moved", "tree/moved"));
    long moved = rename("olddir", "newdir");
    say("rename an old directory", moved < 0 && errno == EXDEV ? 0 : moved);
    if (moved < 0)
        say("copy an old directory", system("cp -a olddir newdir && rm -r olddir") ? -1 : 0);
    say("link", link("linked", "linked.too") || put("linked", O_APPEND, "+") ? -1 : 0);
    say("link a new one", put("n1", O_CREAT, "n") || link("n1", "n2") ? -1 : 0);
    say("unlink", unlink("removed"));
    say("remove a tree", system("rm -r goner") ? -1 : 0);
    say("remove and make a directory", system("rm -r anew && mkdir anew && echo b >anew/b") ? -1 : 0);
    say("remove and make a file", unlink("refile") || put("refile", O_CREAT, "again") ? -1 : 0);
    say("file for a directory", system("rm -r turned && echo f >turned") ? -1 : 0);
    say("directory for a file", unlink("turning") || mkdir("turning", 0750) ||
                                    put("turning/in", O_CREAT, "in") ? -1 : 0);
    say("chmod", chmod("mode", 0640));
    say("chmod a directory", chmod("tree", 0750));
    say("utimes", utimes("time", times));
    say("symlink", symlink("created", "link"));
    say("replace a symlink", unlink("oldlink") || symlink("/nowhere", "oldlink") ? -1 : 0);
    say("deep", system("mkdir -p a/b/c/d && echo deep >a/b/c/d/e && rm tree/sub/x") ? -1 : 0);
    say("odd names", put("-\\x\n\377", O_CREAT, "odd"));
    say("unreadable", put("closed", O_CREAT, "closed") || chmod("closed", 0) ? -1 : 0);
    say("empty", put("empty", O_CREAT, ""));
    return 0;
}
