/*
 * Makes namespaces until it is told to stop. Without privileges those that need some are made
 * together with a user namespace.
 *
 *   budgets hold unshare|clone TYPE N   N at once, kept by daemons that exec'd; then one more
 *   budgets turns TYPE N                N one after the other, each gone before the next
 *   budgets deep unshare|clone TYPE N   N, each made within the one before
 *   budgets pin TYPE                    one that only a descriptor keeps, then another
 *   budgets race TYPE N                 N processes that all ask at once, as long as one stands
 *   budgets hide N                      N, each entered by one who cannot be looked at
 *   budgets reuse N                     N tries to be taken for one that has ended
 *   budgets handle                      a signal whose handler asks too, while a call waits
 *   budgets enter                       into a user namespace of depth 2, to make one there
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name, *link;
    int flag;
} types[] = {
    {"user", "user", CLONE_NEWUSER},       {"mount", "mnt", CLONE_NEWNS},
    {"pid", "pid_for_children", CLONE_NEWPID}, {"net", "net", CLONE_NEWNET},
    {"ipc", "ipc", CLONE_NEWIPC},          {"uts", "uts", CLONE_NEWUTS},
    {"cgroup", "cgroup", CLONE_NEWCGROUP}, {"time", "time_for_children", 0x80},
};

static const char *self;

static const char *name_of(int errnum)
{
    return errnum == 0 ? "ok" : strerrorname_np(errnum);
}

static int type_of(const char *name)
{
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].name, name))
            return (int)i;
    exit(99);
}

static int flags_of(int type)
{
    return types[type].flag | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
}

static void put(const char *file, const char *text)
{
    int fd = open(file, O_WRONLY);
    if (write(fd, text, strlen(text)) < 0)
        exit(96);
    close(fd);
}

/* In a new user namespace: the ids stay what they were. */
static void keep_ids(uid_t uid, gid_t gid)
{
    char map[64];
    put("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "%d %d 1", uid, uid);
    put("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "%d %d 1", gid, gid);
    put("/proc/self/gid_map", map);
}

/*
 * Lives on as a daemon of another program until the last writer of the pipe is gone. The init of
 * a pid namespace stays itself, for with it all would end.
 */
static void keep(int pipe_end)
{
    char number[16];
    snprintf(number, sizeof number, "%d", pipe_end);
    if (getpid() != 1 && fork() != 0)
        _exit(0);
    setsid();
    execl(self, self, "keep", number, NULL);
    _exit(98);
}

/* One more namespace, kept by a daemon. What came of it. */
static int another(int clones, int type, int keeper)
{
    int report[2], result = EIO;
    if (pipe(report) != 0)
        return errno;
    pid_t pid;
    if (clones)
        pid = syscall(SYS_clone, flags_of(type) | SIGCHLD, 0, 0, 0, 0);
    else
        pid = fork();
    if (pid < 0)
        return errno;
    if (pid == 0) {
        result = clones || unshare(flags_of(type)) == 0 ? 0 : errno;
        if (write(report[1], &result, sizeof result) < 0)
            _exit(97);
        if (result == 0 && keeper >= 0)
            keep(keeper);
        _exit(0);
    }

    close(report[1]);
    if (read(report[0], &result, sizeof result) < 0)
        result = errno;
    close(report[0]);
    if (!clones || types[type].flag != CLONE_NEWPID || keeper < 0 || result != 0)
        waitpid(pid, NULL, 0);
    return result;
}

static void hold(int clones, int type, int count)
{
    int keeper[2];
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (pipe(keeper) != 0)
        exit(97);
    fcntl(keeper[1], F_SETFD, FD_CLOEXEC);
    for (int i = 0; i < count; i++)
        printf("%s ", name_of(another(clones, type, keeper[0])));
    close(keeper[1]);
    while (wait(NULL) > 0)
        ;
    printf("then %s\n", name_of(another(clones, type, -1)));
}

static void turns(int type, int count)
{
    int wrong = 0;
    for (int i = 0; i < count; i++)
        wrong += another(i % 2 && types[type].flag != 0x80, type, -1) != 0;
    printf("%d refused\n", wrong);
}

static void deep(int clones, int type, int count)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    for (int i = 0; i < count; i++) {
        int flags = types[type].flag | (uid == 0 ? 0 : CLONE_NEWUSER);
        fflush(stdout);
        if (!clones) {
            int result = unshare(flags) == 0 ? 0 : errno;
            if (result == 0 && (flags & CLONE_NEWUSER))
                keep_ids(uid, gid);
            printf("%s ", name_of(result));
            fflush(stdout);

            /* A pid namespace is the children's. */
            pid_t pid = fork();
            if (pid > 0) {
                waitpid(pid, NULL, 0);
                _exit(0);
            }
            continue;
        }

        pid_t pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
        if (pid < 0) {
            printf("%s ", name_of(errno));
        } else if (pid > 0) {
            waitpid(pid, NULL, 0);
            _exit(0);
        } else {
            if (flags & CLONE_NEWUSER)
                keep_ids(uid, gid);
            printf("ok ");
        }
    }
    printf("\n");
}

/* A child in a user namespace below ours, by so many levels, which waits for its end. */
static pid_t below(int levels)
{
    int ready[2];
    char byte;
    if (pipe(ready) != 0)
        exit(97);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < levels; i++) {
            uid_t uid = geteuid();
            gid_t gid = getegid();
            if (unshare(CLONE_NEWUSER) != 0)
                _exit(1);
            keep_ids(uid, gid);
        }
        if (write(ready[1], "", 1) < 0)
            _exit(3);
        pause();
        _exit(0);
    }

    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        exit(97);
    return pid;
}

static void pin(int type)
{
    int to[2], from[2];
    char byte, path[64];
    if (pipe(to) != 0 || pipe(from) != 0)
        exit(97);
    pid_t pid = fork();
    if (pid == 0) {
        if (unshare(flags_of(type)) != 0)
            _exit(1);
        /* Only with an init does a pid namespace have a name. */
        pid_t init = fork();
        if (init == 0) {
            pause();
            _exit(0);
        }
        if (write(from[1], "", 1) < 0 || read(to[0], &byte, 1) < 0)
            _exit(97);
        kill(init, SIGKILL);
        waitpid(init, NULL, 0);
        _exit(0);
    }

    if (read(from[0], &byte, 1) != 1)
        exit(97);
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, types[type].link);
    int held = open(path, O_RDONLY);
    if (write(to[1], "", 1) < 0)
        exit(97);
    waitpid(pid, NULL, 0);
    printf("held %s, ", held >= 0 ? "ok" : name_of(errno));
    printf("%s, ", name_of(another(0, type, -1)));
    close(held);

    /* That it is closed nobody tells; the kernel frees what it held a moment later. */
    int result = ENOSPC;
    for (int i = 0; i < 100 && result == ENOSPC; i++) {
        usleep(20000);
        result = another(0, type, -1);
    }
    printf("then %s\n", name_of(result));
}

/*
 * Into a user namespace of depth 1 and one made there, and so on, as one whom an unprivileged
 * supervisor cannot look at.
 */
static void hide(int count)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    int depth = 0;
    for (int i = 0; i < count; i++) {
        int ready[2];
        char byte, path[64];
        if (pipe(ready) != 0)
            exit(97);
        pid_t pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
        if (pid == 0) {
            prctl(PR_SET_DUMPABLE, 1);
            keep_ids(uid, gid);
            if (write(ready[1], "", 1) < 0)
                _exit(97);
            pause();
        }
        if (pid < 0 || read(ready[0], &byte, 1) != 1)
            break;
        snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
        int fd = open(path, O_RDONLY);
        prctl(PR_SET_DUMPABLE, 0);
        int entered = setns(fd, CLONE_NEWUSER);
        prctl(PR_SET_DUMPABLE, 1);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(fd);
        if (entered != 0)
            break;
        depth++;
    }
    printf("depth %d\n", depth);
}

/* A namespace whose number was that of another before, its maker killed at once. */
static void reuse(int tries)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    int deep = 0;
    for (int i = 0; i < tries && !deep; i++) {
        char path[64], own[64], other[64];
        pid_t first = below(1);
        kill(first, SIGKILL);
        waitpid(first, NULL, 0);
        usleep(60000);
        pid_t within = fork();
        if (within == 0) {
            if (unshare(CLONE_NEWUSER) != 0)
                _exit(0);
            keep_ids(uid, gid);
            memset(own, 0, sizeof own);
            if (readlink("/proc/self/ns/user", own, sizeof own - 1) < 0)
                _exit(0);
            pid_t maker = fork();
            if (maker == 0) {
                if (unshare(CLONE_NEWUSER) == 0)
                    pause();
                _exit(0);
            }
            snprintf(path, sizeof path, "/proc/%d/ns/user", maker);
            int fd = -1;
            for (int spin = 0; spin < 100000 && fd < 0; spin++) {
                memset(other, 0, sizeof other);
                if (readlink(path, other, sizeof other - 1) > 0 && strcmp(own, other))
                    fd = open(path, O_RDONLY);
            }
            kill(maker, SIGKILL);
            waitpid(maker, NULL, 0);
            if (fd < 0 || setns(fd, CLONE_NEWUSER) != 0)
                _exit(0);
            keep_ids(uid, gid);
            _exit(unshare(CLONE_NEWUSER) == 0 ? 1 : 0);
        }
        int status = 0;
        waitpid(within, &status, 0);
        deep = WIFEXITED(status) && WEXITSTATUS(status) == 1;
    }
    printf("%s\n", deep ? "too deep" : "not too deep");
}

static void race(int type, int count)
{
    int start[2], report[2], end[2], made = 0;
    if (pipe(start) != 0 || pipe(report) != 0 || pipe(end) != 0)
        exit(97);
    for (int i = 0; i < count; i++) {
        if (fork() == 0) {
            char byte;
            close(start[1]);
            close(end[1]);
            if (read(start[0], &byte, 1) < 0)
                _exit(97);
            int result = unshare(flags_of(type)) == 0 ? 0 : errno;
            if (write(report[1], &result, sizeof result) < 0 || read(end[0], &byte, 1) < 0)
                _exit(97);
            _exit(0);
        }
    }

    close(start[1]);
    for (int i = 0; i < count; i++) {
        int result = EIO;
        if (read(report[0], &result, sizeof result) < 0)
            exit(97);
        made += result == 0;
        if (result != 0 && result != ENOSPC)
            printf("%s ", name_of(result));
    }
    close(end[1]);
    while (wait(NULL) > 0)
        ;
    printf("%d of %d\n", made, count);
}

static volatile int handled = -1;

/* Not the same call, for another signal is sent at its end. */
static void ask_too(int signal)
{
    pid_t pid = syscall(SYS_clone, flags_of(type_of("uts")) | signal, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    handled = pid < 0 ? errno : 0;
}

/* One place, which was just left and is taken: the next call for it waits, and is signalled. */
static void handle(void)
{
    const struct itimerval soon = {.it_value = {.tv_usec = 200000}};
    int end[2];
    char byte;
    if (another(1, type_of("uts"), -1) != 0 || pipe(end) != 0)
        exit(97);
    signal(SIGALRM, ask_too);
    pid_t first = syscall(SYS_clone, flags_of(type_of("uts")) | SIGCHLD, 0, 0, 0, 0);
    if (first == 0) {
        close(end[1]);
        _exit(read(end[0], &byte, 1) != 0);
    }
    setitimer(ITIMER_REAL, &soon, NULL);
    printf("%s, ", name_of(another(1, type_of("uts"), -1)));
    printf("handler %s\n", name_of(handled));
    close(end[1]);
    waitpid(first, NULL, 0);
}

static void enter(void)
{
    for (int level = 1; level <= 2; level++) {
        char path[64];
        pid_t other = below(level);
        snprintf(path, sizeof path, "/proc/%d/ns/user", other);
        int fd = open(path, O_RDONLY);
        pid_t pid = fork();
        if (pid == 0) {
            int entered = setns(fd, CLONE_NEWUSER) == 0 ? 0 : errno;
            int made = unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
            printf("depth %d: %s, %s\n", level, name_of(entered), name_of(made));
            fflush(stdout);
            _exit(0);
        }
        waitpid(pid, NULL, 0);
        kill(other, SIGKILL);
        waitpid(other, NULL, 0);
    }
}

int main(int argc, char **argv)
{
    self = argv[0];
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "keep")) {
        char byte;
        return read(atoi(argv[2]), &byte, 1) == 0 ? 0 : 97;
    }

    if (!strcmp(what, "hold"))
        hold(argv[2][0] == 'c', type_of(argv[3]), atoi(argv[4]));
    else if (!strcmp(what, "turns"))
        turns(type_of(argv[2]), atoi(argv[3]));
    else if (!strcmp(what, "deep"))
        deep(argv[2][0] == 'c', type_of(argv[3]), atoi(argv[4]));
    else if (!strcmp(what, "pin"))
        pin(type_of(argv[2]));
    else if (!strcmp(what, "race"))
        race(type_of(argv[2]), atoi(argv[3]));
    else if (!strcmp(what, "handle"))
        handle();
    else if (!strcmp(what, "enter"))
        enter();
    else if (!strcmp(what, "hide"))
        hide(atoi(argv[2]));
    else if (!strcmp(what, "reuse"))
        reuse(atoi(argv[2]));
    else
        return 99;
    return 0;
}
