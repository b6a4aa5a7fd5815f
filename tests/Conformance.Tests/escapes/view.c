/*
 * What a path of a file view comes to: for a directory whether the file "f" is seen in it, what
 * it says, whether it can be appended to, and whether a new file can be made; for a file the
 * second and third of these. "view PATH..."
 */
#define _GNU_SOURCE
#include "escape.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

static const char *listed(const char *path)
{
    DIR *directory = opendir(path);
    const char *seen = directory ? "no" : strerrorname_np(errno);
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        if (!strcmp(entry->d_name, "f"))
            seen = "yes";
    if (directory)
        closedir(directory);
    return seen;
}

static void look_at_file(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        snprintf(text, sizeof text, "%s", strerrorname_np(errno));
    else if (read(fd, text, 4) < 0)
        snprintf(text, sizeof text, "%s", strerrorname_np(errno));
    close(fd);
    fd = open(path, O_WRONLY | O_APPEND);
    printf(" read=%s write=%s", text, word(fd < 0 ? fd : write(fd, "+", 1)));
    close(fd);
}

int main(int argc, char **argv)
{
    char path[PATH_MAX];
    for (int i = 1; i < argc; i++) {
        struct stat status;
        printf("%s:", argv[i]);
        if (stat(argv[i], &status))
            printf(" %s", strerrorname_np(errno));
        else if (!S_ISDIR(status.st_mode))
            look_at_file(argv[i]);
        else {
            printf(" list=%s", listed(argv[i]));
            snprintf(path, sizeof path, "%s/f", argv[i]);
            look_at_file(path);
            snprintf(path, sizeof path, "%s/new", argv[i]);
            printf(" make=%s", word(open(path, O_WRONLY | O_CREAT | O_EXCL, 0644)));
        }

        printf("\n");
    }

    return 0;
}
