/* Creates tasks as fast as it can, with exits and kills in between, and counts those alive. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES = 100000, OVER = -1, MOST = 512 };

/*
 * Shared by all tasks. A task is counted after it began and until before it ends; whoever kills
 * a process takes its tasks off first. So there are never fewer alive than counted.
 */
struct board {
    long live, seen, attempts, made, most, used;
    int tasks[PROCESSES];
};

static struct board *board;
static int *mine;

static long add(long *counter, long by)
{
    return __atomic_add_fetch(counter, by, __ATOMIC_SEQ_CST);
}

static void rest(long nanoseconds)
{
    struct timespec time = {0, nanoseconds};
    nanosleep(&time, NULL);
}

static void enter(void)
{
    int tasks = __atomic_load_n(mine, __ATOMIC_SEQ_CST);
    do {
        if (tasks == OVER)
            return;
    } while (!__atomic_compare_exchange_n(mine, &tasks, tasks + 1, 0, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    long live = add(&board->live, 1);
    long seen = __atomic_load_n(&board->seen, __ATOMIC_SEQ_CST);
    while (live > seen
           && !__atomic_compare_exchange_n(&board->seen, &seen, live, 0, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST))
        ;
}

static void leave(void)
{
    add(&board->live, -1);
    int tasks = __atomic_load_n(mine, __ATOMIC_SEQ_CST);
    while (tasks != OVER
           && !__atomic_compare_exchange_n(mine, &tasks, tasks - 1, 0, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST))
        ;
}

/* All tasks of a process are about to be no more. */
static void close_process(int *process)
{
    int tasks = __atomic_exchange_n(process, OVER, __ATOMIC_SEQ_CST);
    if (tasks > 0)
        add(&board->live, -tasks);
}

static int over(void)
{
    return add(&board->attempts, 1) > board->most;
}

static void *bomb_thread(void *arg);

static void bomb(unsigned seed)
{
    int *last = NULL;
    pid_t last_pid = 0;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 32768);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    while (!over()) {
        int choice = rand_r(&seed) % 8;
        if (choice < 4) {
            int *process = &board->tasks[add(&board->used, 1) % PROCESSES];
            pid_t pid = fork();
            if (pid == 0) {
                mine = process;
                enter();
                bomb(seed * 31 + (unsigned)getpid());
                close_process(mine);
                _exit(0);
            }

            if (pid > 0) {
                add(&board->made, 1);
                last = process;
                last_pid = pid;
            }
        } else if (choice < 6) {
            pthread_t thread;
            if (pthread_create(&thread, &small, bomb_thread, (void *)(long)rand_r(&seed)) == 0)
                add(&board->made, 1);
        } else if (choice == 6 && last != NULL) {
            close_process(last);
            kill(last_pid, SIGKILL);
            last = NULL;
        } else if (rand_r(&seed) % 4 == 0)
            return;
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

static void *bomb_thread(void *arg)
{
    enter();
    bomb((unsigned)(long)arg);
    leave();
    return NULL;
}

/* Makes processes until there are this many with itself, though the last may need a while. */
static int fill(int limit)
{
    int alive = 1;
    for (int tries = 0; alive < limit && tries < 3000; tries++) {
        pid_t pid = fork();
        if (pid == 0) {
            pause();
            _exit(0);
        }

        if (pid > 0)
            alive++;
        else
            rest(1000000);
    }

    return alive;
}

static void tasks(int limit, long most)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGTERM, SIG_DFL);
    board->most = most;
    mine = &board->tasks[0];
    enter();
    for (unsigned i = 0; !over(); i++) {
        int *process = &board->tasks[add(&board->used, 1) % PROCESSES];
        pid_t pid = fork();
        if (pid == 0) {
            mine = process;
            enter();
            bomb(i * 7919);
            close_process(mine);
            _exit(0);
        }

        waitpid(-1, NULL, pid < 0 ? 0 : WNOHANG);
    }

    while (waitpid(-1, NULL, 0) > 0)
        ;
    printf("over the limit %d, came near it %d\n", board->seen > limit,
           board->seen >= limit - limit / 2);
    int alive = fill(limit);
    pid_t more = fork();
    if (more == 0)
        _exit(0);
    printf("again %d, then %s\n", alive, more < 0 ? strerrorname_np(errno) : "one more");
    fflush(stdout);
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
}

static void *thread_of_one(void *arg)
{
    enter();
    for (int i = (int)(long)arg % 3; i > 0; i--)
        sched_yield();
    leave();
    return arg;
}

static void *threads_of_one(void *arg)
{
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 32768);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    enter();
    while (!over()) {
        if (pthread_create(&thread, &small, thread_of_one, (void *)board->attempts) == 0)
            add(&board->made, 1);
    }

    leave();
    return arg;
}

static void *wait_for_ever(void *arg)
{
    pause();
    return arg;
}

static void threads(int limit, long most)
{
    pthread_t makers[4], thread;
    board->most = most;
    mine = &board->tasks[0];
    enter();
    for (int i = 0; i < 4; i++)
        pthread_create(&makers[i], NULL, threads_of_one, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(makers[i], NULL);
    printf("over the limit %d, came near it %d\n", board->seen > limit,
           board->seen >= limit - limit / 2);
    int alive = 1, error = 0;
    for (int tries = 0; alive < limit && tries < 3000; tries++) {
        if (pthread_create(&thread, NULL, wait_for_ever, NULL) == 0)
            alive++;
        else
            rest(1000000);
    }

    error = pthread_create(&thread, NULL, wait_for_ever, NULL);
    printf("again %d, then %s\n", alive, error ? strerrorname_np(error) : "one more");
}

/* Each generation makes the next and ends; the last one says how many there were. */
static void depth(unsigned long flags)
{
    int generation = 0, said[2];
    if (pipe(said) != 0)
        return;
    pid_t first = fork();
    if (first == 0) {
        for (generation = 1; generation < MOST; generation++) {
            long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
            if (pid < 0) {
                dprintf(said[1], "%d generations, then %s\n", generation,
                        strerrorname_np(errno));
                _exit(0);
            }

            if (pid > 0)
                _exit(0);
        }

        dprintf(said[1], "no limit\n");
        _exit(0);
    }

    char text[64];
    ssize_t got = read(said[0], text, sizeof text);
    fwrite(text, 1, got > 0 ? (size_t)got : 0, stdout);
}

struct creation {
    long from, to;
};

static long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

static int earlier(const void *a, const void *b)
{
    const struct creation *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

/* Two processes make others for a while; no second may hold more than the limit. */
static void rate(int limit, long milliseconds)
{
    enum { ROOM = 100000 };
    struct creation *all = mmap(NULL, sizeof *all * ROOM, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long end = now() + milliseconds * 1000000;
    pid_t other = fork();
    while (now() < end && board->made < ROOM) {
        long from = now();
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (pid > 0) {
            all[add(&board->made, 1) - 1] = (struct creation){from, now()};
            waitpid(pid, NULL, 0);
        }
    }

    if (other == 0)
        _exit(0);
    waitpid(other, NULL, 0);
    qsort(all, (size_t)board->made, sizeof *all, earlier);
    int broken = 0;
    for (long i = 0; i + limit < board->made; i++) {
        long last = 0;
        for (long k = i; k <= i + limit; k++)
            last = all[k].to > last ? all[k].to : last;
        broken += last - all[i].from < 1000000000;
    }

    printf("seconds with too many %d, more than one second's %d\n", broken,
           board->made > limit);
}

int main(int argc, char **argv)
{
    const char *question = argc > 1 ? argv[1] : "";
    int limit = argc > 2 ? atoi(argv[2]) : 10;
    long most = argc > 3 ? atol(argv[3]) : 1000;
    setvbuf(stdout, NULL, _IONBF, 0);
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    setpgid(0, 0);
    if (strcmp(question, "tasks") == 0)
        tasks(limit, most);
    else if (strcmp(question, "threads") == 0)
        threads(limit, most);
    else if (strcmp(question, "depth") == 0)
        depth(limit ? CLONE_PARENT : 0);
    else if (strcmp(question, "rate") == 0)
        rate(limit, most);
    return 0;
}
