/* Whether an attack on files has reached its aim: what it prints is judged by the effect. */
#ifndef REACHED_H
#define REACHED_H

#include "escape.h"

#include <fcntl.h>
#include <sys/stat.h>

/* What the test wrote to each file that a guest must not read. */
#define SECRET "TOP SECRET"

/* Far more ways up than any path has names. */
#define UP "../../../../../../../../../../../../../../../.."

/* The secret stands in the file: 1; else 0, with errno, which is 0 for another text. */
__attribute__((unused)) static int holds_secret(int at, const char *path)
{
    char text[64] = "";
    int fd = openat(at, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return 0;
    ssize_t length = read(fd, text, sizeof text - 1);
    int why = length < 0 ? errno : 0;
    close(fd);
    errno = why;
    return strncmp(text, SECRET, strlen(SECRET)) == 0;
}

/* A file can be written: 1; else 0, with errno. It keeps its text. */
__attribute__((unused)) static int can_write(int at, const char *path)
{
    int fd = openat(at, path, O_WRONLY | O_APPEND);
    if (fd < 0)
        return 0;
    int done = write(fd, "", 0) == 0 && fchmod(fd, 0644) == 0;
    int why = errno;
    close(fd);
    errno = why;
    return done;
}

/* One line of the report. */
__attribute__((unused)) static void tell(const char *way, int reached)
{
    printf("%s: %s\n", way,
           reached ? "reached" : errno ? strerrorname_np(errno) : "nothing there");
    fflush(stdout);
}

#endif
