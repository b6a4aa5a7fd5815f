/*
 * Trees of processes and threads that create, exec and end at random, while others kill, stop
 * and continue any of them at any moment. What each task and each killer draws follows from the
 * seed; how they interleave does not. In the end everything is killed and waited for.
 */
#include "equality.h"

enum { KILLERS = 2, PLACES = 64, MOST = 48, DEPTH = 12, STACK = 32768 };

/* Shared by all; a place holds a process id or 0. Those that were killed leave theirs behind. */
struct board {
    int stop, group;
    long made, execs, kills;
    int pids[PLACES];
};

static struct board *board;
static char *program;

static uint32_t draw(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static uint32_t mix(uint32_t seed, uint32_t with)
{
    seed = (seed ^ with) * 2654435761u;
    return seed ^ seed >> 15 ? seed ^ seed >> 15 : 1;
}

static int over(void)
{
    return __atomic_load_n(&board->stop, __ATOMIC_SEQ_CST);
}

static void note(uint32_t seed)
{
    __atomic_store_n(&board->pids[seed % PLACES], getpid(), __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&board->made, 1, __ATOMIC_SEQ_CST);
}

/* Whether enough processes are there already, as far as the places tell. */
static int crowded(void)
{
    int alive = 0;
    for (int i = 0; i < PLACES; i++) {
        int pid = __atomic_load_n(&board->pids[i], __ATOMIC_SEQ_CST);
        alive += pid > 0 && kill(pid, 0) == 0;
    }

    return alive > MOST;
}

static void grow(uint32_t seed, int depth);

struct branch {
    uint32_t seed;
    int depth;
};

static void *thread_of(void *arg)
{
    struct branch branch = *(struct branch *)arg;
    free(arg);
    grow(branch.seed, branch.depth);
    return NULL;
}

static int end_at_once(void *arg)
{
    return (int)(long)arg & 63;
}

static void become(uint32_t seed, int depth)
{
    char number[16], level[16];
    snprintf(number, sizeof number, "%u", seed);
    snprintf(level, sizeof level, "%d", depth);
    __atomic_fetch_add(&board->execs, 1, __ATOMIC_SEQ_CST);
    if (draw(&seed) % 2)
        execl("/bin/true", "true", NULL);
    execl(program, program, "branch", number, level, NULL);
}

/* A child with memory of its own grows on; one that shares memory ends, or becomes another. */
static void make_process(uint32_t *seed, int depth)
{
    static const unsigned long flags[] = {
        SIGCHLD, SIGUSR2, 0, SIGCHLD | CLONE_PARENT, SIGCHLD | CLONE_UNTRACED, SIGCHLD | CLONE_FS,
        SIGCHLD | CLONE_FILES, SIGCHLD | CLONE_IO | CLONE_SYSVSEM};
    uint32_t with = mix(*seed, draw(seed));
    struct clone_args args = {.exit_signal = SIGCHLD};
    long made;
    switch (draw(seed) % 4) {
    case 0:
        made = fork();
        break;
    case 1:
        made = syscall(SYS_clone, flags[draw(seed) % 8], 0, 0, 0, 0);
        break;
    case 2:
        made = syscall(SYS_clone3, &args, sizeof args);
        break;
    default:
        made = vfork();
        if (made == 0) {
            if (with % 2)
                become(with, depth + 1);
            _exit(1);
        }
    }

    if (made == 0) {
        note(with);
        grow(with, depth + 1);
        _exit((int)(with & 63));
    }
}

static void grow(uint32_t seed, int depth)
{
    char *stack = NULL;
    for (int i = 0; i < 40 && !over(); i++) {
        uint32_t what = draw(&seed) % 16;
        if (what < 6 && depth < DEPTH && !crowded()) {
            make_process(&seed, depth);
        } else if (what < 9 && depth < DEPTH && !crowded()) {
            pthread_t thread;
            struct branch *branch = malloc(sizeof *branch);
            *branch = (struct branch){mix(seed, draw(&seed)), depth + 1};
            if (pthread_create(&thread, NULL, thread_of, branch) == 0)
                pthread_detach(thread);
        } else if (what == 9) {
            stack = stack ? stack : malloc(STACK);
            clone(end_at_once, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)(long)seed);
        } else if (what == 10 && draw(&seed) % 4 == 0) {
            become(seed, depth + 1);
        } else if (what == 11 && draw(&seed) % 4 == 0) {
            _exit(3);
        } else if (what == 12 && draw(&seed) % 4 == 0) {
            syscall(SYS_exit, 0);
        } else {
            rest(draw(&seed) % 700);
        }

        while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
            ;
    }

    free(stack);
}

/* A thread of a process at random, or its first; 0 when there is none. */
static pid_t thread_in(pid_t pid, uint32_t pick)
{
    /* Threads mostly have the ids that follow their process's. */
    pid_t tid = pid + (pid_t)(pick % 6);
    return syscall(SYS_tgkill, pid, tid, 0) == 0 ? tid : pid;
}

/* Ids of processes are used again: whoever left the group, or never was in it, is let alone. */
static void disturb(uint32_t seed)
{
    static const int signals[] = {SIGSTOP, SIGCONT, SIGSTOP, SIGCONT, SIGCONT, SIGTSTP, SIGKILL,
                                  SIGKILL, SIGWINCH, SIGTERM, SIGCONT, SIGUSR1};
    while (!over()) {
        int pid = __atomic_load_n(&board->pids[draw(&seed) % PLACES], __ATOMIC_SEQ_CST);
        int sig = signals[draw(&seed) % (sizeof signals / sizeof *signals)];
        uint32_t pick = draw(&seed);
        if (pid > 0 && getpgid(pid) == board->group) {
            __atomic_fetch_add(&board->kills, 1, __ATOMIC_SEQ_CST);
            if (pick % 64 == 0)
                kill(-board->group, sig == SIGKILL || sig == SIGTERM ? SIGCONT : sig);
            else if (pick % 3 == 0)
                syscall(SYS_tgkill, pid, thread_in(pid, pick / 64), sig);
            else
                kill(pid, sig);
        }

        rest(draw(&seed) % 400);
        if (draw(&seed) % 32 == 0)
            kill(-board->group, SIGCONT);
    }
}

static void start_root(uint32_t seed)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (setpgid(0, board->group) != 0)
            _exit(1);
        note(seed);
        grow(seed, 0);
        _exit(0);
    }

    setpgid(pid, board->group);
}

static long now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void run(uint32_t seed, long ms)
{
    pid_t killers[KILLERS], anchor;
    long end = now_ms() + ms;
    uint32_t own = mix(seed, 1);
    signal(SIGUSR2, SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);

    /* Keeps the group's id in use: nothing disturbs it, for it is in no place. */
    anchor = fork();
    if (anchor == 0) {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        setpgid(0, 0);
        while (!over())
            rest(1000);
        _exit(0);
    }

    setpgid(anchor, anchor);
    board->group = anchor;
    for (int i = 0; i < KILLERS; i++) {
        killers[i] = fork();
        if (killers[i] == 0) {
            disturb(mix(seed, 1000 + (uint32_t)i));
            _exit(0);
        }
    }

    while (now_ms() < end) {
        if (!crowded())
            start_root(mix(seed, draw(&own)));
        while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
            ;
        rest(2000);
    }

    __atomic_store_n(&board->stop, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < KILLERS; i++)
        waitpid(killers[i], NULL, 0);
    while (kill(-anchor, SIGKILL) == 0 && now_ms() < end + PATIENCE) {
        while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
            ;
        rest(1000);
    }

    pid_t waited = 0;
    while (waited >= 0 && now_ms() < end + 2 * PATIENCE) {
        waited = waitpid(-1, NULL, WNOHANG | __WALL);
        rest(waited == 0 ? 1000 : 0);
    }

    printf("seed %u: made %d, execs %d, disturbed %d, left in the group %d, waiting %d\n", seed,
           board->made > 5, board->execs > 0, board->kills > 5, kill(-anchor, 0) == 0,
           waited >= 0);
    fprintf(stderr, "made %ld, execs %ld, disturbed %ld\n", board->made, board->execs,
            board->kills);
}

int main(int argc, char **argv)
{
    program = argv[0];
    int file = argc == 4 ? 100 : memfd_create("board", 0);
    if (file != 100) {
        if (ftruncate(file, sizeof *board) != 0)
            return 1;
        dup2(file, 100);
        close(file);
    }

    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, 100, 0);
    if (board == MAP_FAILED)
        return 1;
    if (argc == 4) {
        uint32_t seed = (uint32_t)strtoul(argv[2], NULL, 10);
        note(seed);
        grow(seed, atoi(argv[3]));
        return 0;
    }

    run(argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1, argc > 2 ? atol(argv[2]) : 1000);
    return 0;
}
