/*
 * Runs a command on a terminal of its own and talks to it: ptydrive SCRIPT COMMAND...
 * Lines of the script: "< text" waits until the text was printed since the last match, "> text"
 * types it; \r, \z (control-Z) and \c (control-C) are understood. Ends with the command's status.
 */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, MOST = 1 << 16 };

static char seen[MOST];
static size_t length, matched;

static long now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Reads what the terminal shows; 0 when the other side is closed. */
static int take(int fd, int wait_ms)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, wait_ms) <= 0)
        return 1;
    ssize_t got = read(fd, seen + length, MOST - 1 - length);
    if (got <= 0)
        return 0;
    length += (size_t)got;
    seen[length] = 0;
    return 1;
}

static int expect(int fd, const char *text)
{
    long until = now_ms() + PATIENCE_MS;
    while (now_ms() < until) {
        char *at = strstr(seen + matched, text);
        if (at) {
            matched = (size_t)(at - seen) + strlen(text);
            return 1;
        }

        if (!take(fd, 50))
            return strstr(seen + matched, text) != NULL;
    }

    return 0;
}

static void type(int fd, const char *text)
{
    usleep(100000);
    for (; *text; text++) {
        char byte = *text;
        if (byte == '\\' && text[1]) {
            text++;
            byte = *text == 'z' ? 26 : *text == 'c' ? 3 : *text == 'r' ? '\r' : *text;
        }

        if (write(fd, &byte, 1) != 1)
            return;
    }
}

int main(int argc, char **argv)
{
    int terminal, status = 0;
    FILE *script = fopen(argc > 2 ? argv[1] : "", "r");
    if (!script)
        return 125;
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    if (pid == 0) {
        /* A test that runs in the background has its keys' signals ignored; these jobs not. */
        for (int sig = 1; sig < NSIG; sig++)
            signal(sig, SIG_DFL);
        execvp(argv[2], argv + 2);
        _exit(127);
    }

    char line[1024];
    while (fgets(line, sizeof line, script)) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] == '>')
            type(terminal, line + 2);
        else if (line[0] == '<' && !expect(terminal, line + 2)) {
            printf("never came: %s\n--- terminal\n%s\n", line + 2, seen);
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return 1;
        }
    }

    long until = now_ms() + PATIENCE_MS;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        take(terminal, 20);
        if (now_ms() > until) {
            printf("no end\n--- terminal\n%s\n", seen);
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return 1;
        }
    }

    printf("ended %d %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
           WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return 0;
}
