/*
 * A tree of tasks that create, kill, stop, continue, exec and exit at random, drawn from a seed.
 *
 * There are never more than PLACES tasks besides the root. A place is taken before a task is made,
 * and is given back by who has waited for that task: its parent, or the root, which is their
 * subreaper; that of a thread when its process is waited for or execs. Of a task that was killed
 * before it told its id nobody knows the place: it stays taken until the root has no child left.
 *
 * A process signals only children that it has not waited for, so no id can be a stranger's; only
 * its main thread does that and waits.
 *
 * chaos SEED ROUNDS      the tree; exits with 7
 * chaos disturb PID SEED from outside: stops a supervisor again and again, and meanwhile kills,
 *                        stops and continues tasks that it traces, but for its child, the root
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PLACES = 48, ROUND_MS = 1000, ROUND_LEAST = 50, ROUND_MOST = 600, LIFE_MOST = 25, LIMIT_S = 40, ROOT = -1 };

/* A task's place: taken, whose it is (the place of a process, or ROOT), and its id once known. */
struct place {
    int taken, owner, thread, tid;
};

static struct board {
    int over, made, seed;
    long attempts;
    struct place places[PLACES];
} *board;

static int board_fd, self = ROOT, raw, scarce;
static __thread unsigned draw;

static unsigned drawn(unsigned most)
{
    draw = draw * 1664525u + 1013904223u;
    return (draw >> 8) % most;
}

static void rest(long microseconds)
{
    struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
    nanosleep(&time, NULL);
}

static long now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int get(int *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void put(int *word, int value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/* A free place, now taken; -1 when there is none, or the round has made all that it may. */
static int take(int owner, int thread)
{
    if (get(&board->over) || __atomic_add_fetch(&board->attempts, 1, __ATOMIC_SEQ_CST) > ROUND_MOST)
        return -1;
    for (int i = 0; i < PLACES; i++) {
        int none = 0;
        struct place *at = &board->places[i];
        if (__atomic_compare_exchange_n(&at->taken, &none, 1, 0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
            put(&at->thread, thread);
            put(&at->owner, owner);
            return i;
        }
    }

    return -1;
}

static void give(struct place *at)
{
    put(&at->tid, 0);
    put(&at->owner, ROOT - 1);
    put(&at->taken, 0);
}

/* The threads of a process that is no more, or that runs another program, are gone. */
static void give_threads(int process)
{
    for (int i = 0; i < PLACES; i++) {
        struct place *at = &board->places[i];
        if (get(&at->taken) && get(&at->thread) && get(&at->owner) == process)
            give(at);
    }
}

/* A child was waited for: the root has its children now. */
static void reaped(pid_t pid)
{
    for (int i = 0; i < PLACES; i++) {
        struct place *at = &board->places[i];
        if (!get(&at->taken) || get(&at->thread) || get(&at->tid) != pid)
            continue;
        give_threads(i);
        for (int k = 0; k < PLACES; k++)
            if (get(&board->places[k].owner) == i)
                put(&board->places[k].owner, ROOT);
        give(at);
    }
}

/* Takes what children report. */
static void reap(int options)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, options | __WALL)) > 0) {
        if (WIFEXITED(status) || WIFSIGNALED(status))
            reaped(pid);
        else if (WIFSTOPPED(status) && drawn(3) == 0)
            kill(pid, SIGCONT);
    }
}

/* Whether this process has such a child and has not waited for it. */
static int is_mine(pid_t pid)
{
    siginfo_t info;
    return pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

/* Kills, stops or continues one child; or kills all that are known. */
static void disturb_children(int all)
{
    static const int some[] = {SIGKILL, SIGTERM, SIGSTOP, SIGSTOP, SIGCONT, SIGCONT, SIGCONT, SIGURG};
    int from = (int)drawn(PLACES);
    for (int i = 0; i < PLACES; i++) {
        struct place *at = &board->places[(from + i) % PLACES];
        int tid = get(&at->tid);
        if (!get(&at->taken) || get(&at->thread) || get(&at->owner) != self || !is_mine(tid))
            continue;
        kill(tid, all || (scarce && drawn(2)) ? SIGKILL
                                              : some[drawn(sizeof some / sizeof *some)]);
        if (!all)
            return;
    }
}

static void live(void);

/* The first thing that a new process does. */
static void begin(int place)
{
    put(&board->places[place].tid, getpid());
    self = place;
    alarm(LIMIT_S);
    draw = (unsigned)board->seed * 2654435761u + (unsigned)place * 40503u
        + (unsigned)get(&board->made);
}

static void run_again(int place)
{
    char at[16], fd[16];
    snprintf(at, sizeof at, "%d", place);
    snprintf(fd, sizeof fd, "%d", board_fd);
    execl("/proc/self/exe", "chaos", "again", fd, at, NULL);
    _exit(127);
}

/* It runs in its creator's memory, which it must leave as it is. */
static int exec_in_shared_memory(void *arg)
{
    int place = *(int *)arg;
    put(&board->places[place].tid, (int)syscall(SYS_getpid));
    if (place % 4 == 0)
        _exit(3);
    run_again(place);
    return 0;
}

static long clone_calls(unsigned long flags, int place)
{
    int *tid = &board->places[place].tid;
    return syscall(SYS_clone, flags | CLONE_PARENT_SETTID | SIGCHLD, 0, tid, 0, 0);
}

static long clone3_calls(int place)
{
    int pidfd = -1;
    struct clone_args args = {.flags = CLONE_PARENT_SETTID, .exit_signal = SIGCHLD,
                              .parent_tid = (uintptr_t)&board->places[place].tid};
    if (drawn(2))
        args = (struct clone_args){.flags = CLONE_PIDFD, .exit_signal = drawn(2) ? SIGCHLD : 0,
                                   .pidfd = (uintptr_t)&pidfd};
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid > 0 && pidfd >= 0) {
        if (drawn(3) == 0)
            syscall(SYS_pidfd_send_signal, pidfd, SIGSTOP, NULL, 0);
        if (drawn(2) == 0)
            syscall(SYS_pidfd_send_signal, pidfd, drawn(3) ? SIGCONT : SIGKILL, NULL, 0);
        close(pidfd);
    }

    return pid;
}

/* Makes a process, by one call or another. After a raw clone the libc makes no threads. */
static void make_process(void)
{
    static __thread char stack[1 << 15];
    unsigned kind = drawn(8);
    int sibling = kind == 5 && self != ROOT && drawn(2);
    int owner = sibling ? get(&board->places[self].owner) : self;
    int place = take(owner, 0);
    long pid;
    if (place < 0) {
        scarce = 1;
        return;
    }

    if (kind < 2) {
        pid = fork();
    } else if (kind < 4) {
        pid = vfork();
        if (pid == 0)
            exec_in_shared_memory(&place);
    } else if (kind == 4) {
        pid = clone(exec_in_shared_memory, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD,
                    &place);
    } else if (kind == 5) {
        pid = clone_calls(sibling ? CLONE_PARENT : drawn(2) ? CLONE_NEWUSER : 0, place);
    } else {
        pid = clone3_calls(place);
    }

    if (pid == 0) {
        begin(place);
        raw |= kind >= 5;
        if (raw && drawn(2))
            run_again(place);
        live();
        _exit(0);
    }

    if (pid < 0)
        give(&board->places[place]);
    else
        __atomic_add_fetch(&board->made, 1, __ATOMIC_SEQ_CST);
}

/* A thread creates, sleeps, ends itself, its process or, by an exec, the other threads. */
static void *run_thread(void *arg)
{
    int place = (int)(long)arg;
    draw = (unsigned)board->seed + (unsigned)place * 97u + (unsigned)get(&board->made);
    for (int i = (int)drawn(6); i > 0 && !get(&board->over); i--) {
        unsigned choice = drawn(24);
        if (choice < 12)
            make_process();
        else if (choice < 20)
            rest(drawn(2000));
        else if (choice < 22 && self != ROOT)
            run_again(self);
        else if (choice == 22 && self != ROOT)
            _exit(4);
    }

    return NULL;
}

static void make_thread(void)
{
    pthread_t thread;
    pthread_attr_t small;
    int place = take(self, 1);
    if (place < 0)
        return;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 17);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &small, run_thread, (void *)(long)place))
        give(&board->places[place]);
    else
        __atomic_add_fetch(&board->made, 1, __ATOMIC_SEQ_CST);
}

static void act(void)
{
    unsigned choice = drawn(20);
    if (choice < 8)
        make_process();
    else if (choice < 10 && !raw && self != ROOT)
        make_thread();
    else if (choice < 14 || scarce)
        disturb_children(0);
    else if (choice < 17)
        reap(WNOHANG | WUNTRACED | WCONTINUED);
    else
        rest(drawn(1000));
    if (scarce)
        reap(WNOHANG);
    scarce = 0;
}

/* The life of a process that is not the root: it ends with its children, unless it is killed. */
static void live(void)
{
    for (int i = (int)drawn(LIFE_MOST); i > 0 && !get(&board->over); i--) {
        if (drawn(40) == 0)
            run_again(self);
        if (drawn(40) == 0)
            _exit(5);
        act();
    }

    disturb_children(1);
    reap(WNOHANG);
}

static int has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

/* Kills children of this single-threaded process, which nobody else waits for, until none is. */
static void end_round(void)
{
    char path[64];
    put(&board->over, 1);
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    do {
        FILE *children = fopen(path, "re");
        int pid;
        while (children != NULL && fscanf(children, "%d", &pid) == 1)
            kill(pid, SIGKILL);
        if (children != NULL)
            fclose(children);
        reap(WNOHANG);
        rest(1000);
    } while (has_children());
}

static int run_root(int seed, int rounds)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    alarm(LIMIT_S);
    signal(SIGTERM, SIG_DFL);
    board_fd = memfd_create("board", 0);
    if (board_fd < 0 || ftruncate(board_fd, sizeof *board) != 0)
        return 1;
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, board_fd, 0);
    draw = (unsigned)seed;
    printf("begun\n");
    for (int i = 0; i < rounds; i++) {
        memset(board, 0, sizeof *board);
        board->seed = seed + i;
        long end = now_ms() + ROUND_MS;
        while (get(&board->made) < ROUND_LEAST
               || (now_ms() < end && board->attempts < ROUND_MOST))
            act();
        end_round();
    }

    printf("rounds %d, children left %d\n", rounds, has_children());
    return 7;
}

/* A number in a task's status file; 0 when the task is gone. */
static int number_of(int pid, const char *field)
{
    char path[64], line[256];
    int value = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *status = fopen(path, "re");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            value = atoi(line + strlen(field));
    if (status != NULL)
        fclose(status);
    return value;
}

/*
 * Draws for each task that the supervisor traces whether it gets a signal, or sends it to all. The
 * pidfd is had before the task is looked at, so it is that task whoever has its id later. The root
 * is not touched: it alone is a child of the supervisor or of the run's init process.
 */
static int signal_guests(int supervisor, int all)
{
    static const int some[] = {SIGKILL, SIGSTOP, SIGSTOP, SIGCONT, SIGCONT, SIGUSR1};
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    int sent = 0;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        int pid = atoi(entry->d_name);
        if (pid <= 0 || (!all && drawn(3)))
            continue;
        int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        int parent = number_of(pid, "PPid:");
        if (pidfd >= 0 && number_of(pid, "TracerPid:") == supervisor && parent != supervisor
            && number_of(parent, "TracerPid:") == supervisor)
            sent += syscall(SYS_pidfd_send_signal, pidfd,
                            all ? all : some[drawn(sizeof some / sizeof *some)], NULL, 0) == 0;
        if (pidfd >= 0)
            close(pidfd);
    }

    if (proc != NULL)
        closedir(proc);
    return sent;
}

static int disturb(int supervisor, int seed)
{
    int sent = 0, pidfd = (int)syscall(SYS_pidfd_open, supervisor, 0);
    struct pollfd ended = {pidfd, POLLIN, 0};
    if (pidfd < 0)
        return 1;
    draw = (unsigned)seed;
    alarm(LIMIT_S);
    while (poll(&ended, 1, 1 + (int)drawn(15)) == 0) {
        syscall(SYS_pidfd_send_signal, pidfd, SIGSTOP, NULL, 0);
        sent += signal_guests(supervisor, 0);
        rest(drawn(2000));
        syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0);
        rest(drawn(3000));
        signal_guests(supervisor, SIGCONT);
    }

    printf("disturbed %d\n", sent > 0);
    return 0;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc == 4 && strcmp(argv[1], "again") == 0) {
        board_fd = atoi(argv[2]);
        board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, board_fd, 0);
        give_threads(atoi(argv[3]));
        begin(atoi(argv[3]));
        live();
        return 0;
    }

    if (argc == 4 && strcmp(argv[1], "disturb") == 0)
        return disturb(atoi(argv[2]), atoi(argv[3]));
    return argc == 3 ? run_root(atoi(argv[1]), atoi(argv[2])) : 2;
}
