/* Ends and execs in the middle of things: who is told, who adopts, what is left. */
#include "equality.h"

/* Not a flag of clone(2): threads are made as well. */
#define MIXED 0x8000000000UL

enum { THREADS = 3 };

struct board {
    int go, said, work[2];
};

static struct board *board;
static volatile sig_atomic_t caught;
static char *program;

static void on_signal(int sig)
{
    caught = sig;
}

static void on_hangup(int sig)
{
    board->work[1] = 1;
}

/* A stopped group that loses its last tie to the session gets SIGHUP and SIGCONT. */
static void orphans(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t middle = fork();
    if (middle == 0) {
        setsid();
        pid_t pid = fork();
        if (pid == 0) {
            setpgid(0, 0);
            handle(SIGHUP, on_hangup, 0);
            raise(SIGSTOP);
            _exit(board->work[1] ? 21 : 22);
        }

        printf("stopped %d\n", status_of(pid, WUNTRACED));
        fflush(stdout);
        _exit(7);
    }

    printf("middle %d\n", status_of(middle, 0));
    printf("orphan %d\n", status_of(-1, 0));

    /* Stops of the terminal do nothing to a group that is an orphan. */
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        raise(SIGTSTP);
        raise(SIGTTIN);
        _exit(23);
    }

    printf("own session %d\n", status_of(pid, WUNTRACED));
}

/* A parent that waits for its vfork child is stopped and goes on like any other. */
static void vforks(void)
{
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            pid_t child = vfork();
            if (child == 0) {
                board->work[0] = getpid();
                __atomic_store_n(&board->go, 1, __ATOMIC_SEQ_CST);
                rest(i == 2 ? 20000000 : 100000);
                _exit(9);
            }

            _exit(status_of(child, 0) + 1);
        }

        printf("begun %d,", becomes(&board->go, 1));
        board->go = 0;
        kill(pid, i == 2 ? SIGKILL : SIGSTOP);
        if (i == 2)
            kill(board->work[0], SIGKILL);
        if (i == 1)
            kill(pid, SIGCONT);
        if (i == 0) {
            printf(" stopped %d,", status_of(pid, WUNTRACED));
            kill(pid, SIGCONT);
        }

        printf(" ends %d\n", status_of(pid, 0));
    }
}

static void *fork_in_thread(void *arg)
{
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGUSR1, SIG_DFL);
        handle(SIGUSR1, on_signal, 0);
        prctl(PR_SET_PDEATHSIG, SIGUSR1);
        __atomic_store_n(&board->said, 1, __ATOMIC_SEQ_CST);
        for (int i = 0; i < PATIENCE && !caught; i++)
            rest(1000);
        _exit(caught == SIGUSR1 ? 41 : 42);
    }

    becomes(&board->said, 1);
    *(int *)arg = pid;
    return arg;
}

static void *vfork_in_thread(void *arg)
{
    pid_t pid = vfork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(program, program, "asleep", NULL);
    }

    *(int *)arg = pid;
    return arg;
}

static void asleep(void)
{
    int death = -1;
    prctl(PR_GET_PDEATHSIG, &death);
    rest(death == SIGKILL ? 20000000 : 0);
    _exit(43);
}

/* The signal at the death of the parent, which is a thread: of it alone, and of its process. */
static void parent_deaths(void)
{
    pthread_t thread;
    int pid = 0;
    pthread_create(&thread, NULL, fork_in_thread, &pid);
    pthread_join(thread, NULL);
    printf("thread's end: %d\n", status_of(pid, 0));
    board->said = 0;
    pthread_create(&thread, NULL, vfork_in_thread, &pid);
    pthread_join(thread, NULL);
    printf("thread's end after exec: %d\n", status_of(pid, 0));
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    fflush(stdout);
    for (int how = 0; how < 3; how++) {
        pid_t middle = fork();
        if (middle == 0) {
            fork_in_thread(&pid);
            if (how == 1)
                execl("/bin/true", "true", NULL);
            if (how == 2)
                raise(SIGKILL);
            _exit(0);
        }

        int status = status_of(middle, 0);
        printf("way %d: middle %d, adopted %d\n", how, status, status_of(-1, 0));
        board->said = 0;
    }
}

/* A chain of processes whose middle ends: each orphan goes to the nearest subreaper. */
static void reapers(void)
{
    for (int nearer = 0; nearer < 2; nearer++) {
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        fflush(stdout);
        pid_t me = getpid(), upper = fork();
        if (upper == 0) {
            pid_t up = getpid();
            prctl(PR_SET_CHILD_SUBREAPER, nearer);
            pid_t middle = fork();
            if (middle == 0) {
                pthread_t thread;
                int pid;
                pid_t lower = fork();
                if (lower == 0) {
                    pid_t was = getppid();
                    becomes(&board->go, 1);
                    for (int i = 0; i < PATIENCE && getppid() == was; i++)
                        rest(1000);
                    _exit(getppid() == me ? 51 : getppid() == up ? 52 : 53);
                }

                pthread_create(&thread, NULL, fork_in_thread, &pid);
                pthread_join(thread, NULL);
                _exit(6);
            }

            int status = status_of(middle, 0);
            __atomic_store_n(&board->go, 1, __ATOMIC_SEQ_CST);
            int first = nearer ? status_of(-1, 0) : 0, second = nearer ? status_of(-1, 0) : 0;
            printf("upper: middle %d, adopted %d, then %d\n", status, first + second,
                   status_of(-1, 0));
            fflush(stdout);
            _exit(5);
        }

        int sum = 0, count = 0, status;
        while ((status = status_of(-1, 0)) >= 0) {
            sum += status;
            count++;
        }

        printf("nearer %d: %d ended, sum %d\n", nearer, count, sum);
        board->go = board->said = 0;
    }
}

static void *end_soon(void *arg)
{
    return arg;
}

static void *clone_for_ever(void *arg)
{
    unsigned long flags = (unsigned long)arg & ~MIXED;
    pthread_t thread;
    for (int i = 0;; i++) {
        if ((unsigned long)arg & MIXED && i % 2
            && pthread_create(&thread, NULL, end_soon, NULL) == 0)
            pthread_detach(thread);
        long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
        if (pid == 0)
            syscall(SYS_exit_group, 0);
        __atomic_fetch_add(&board->work[0], 1, __ATOMIC_SEQ_CST);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }

    return arg;
}

/*
 * A process ends while its threads are in calls that make tasks, ever later after they began:
 * by exit_group, by a fault, by exec, by SIGKILL from outside, by the end of its leader alone.
 */
static void middles(void)
{
    static const unsigned long flags[] = {0, MIXED, CLONE_PARENT, CLONE_UNTRACED};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int how = 0; how < 5; how++) {
        int counts[4] = {0}, odd = 0, rounds = 40;
        for (int round = 0; round < rounds; round++) {
            __atomic_store_n(&board->work[0], 0, __ATOMIC_SEQ_CST);
            pid_t pid = fork();
            if (pid == 0) {
                pthread_t thread;
                for (int i = 0; i < THREADS; i++)
                    pthread_create(&thread, NULL, clone_for_ever, (void *)flags[round % 4]);
                while (__atomic_load_n(&board->work[0], __ATOMIC_SEQ_CST) == 0)
                    sched_yield();
                rest(37 * round);
                if (how == 0)
                    _exit(3);
                if (how == 1)
                    *(volatile int *)8 = 1;
                if (how == 2)
                    execl("/bin/sh", "sh", "-c", "exit 4", NULL);
                if (how == 4)
                    syscall(SYS_exit, 0);
                pause();
            }

            while (__atomic_load_n(&board->work[0], __ATOMIC_SEQ_CST) == 0)
                sched_yield();
            rest(how == 4 ? 3000 : 41 * round);
            if (how >= 3)
                kill(pid, SIGKILL);
            int status = status_of(pid, 0);
            int expected = how == 0 ? 3 : how == 1 ? 3000 + SIGSEGV : how == 2 ? 4 : 3000 + SIGKILL;
            counts[round % 4] += status == expected;
            odd = status == expected ? odd : status;

            /* Whatever it left is this process's now, and ends by itself. */
            while ((status = status_of(-1, 0)) >= 0)
                odd = status == 0 || status == 3000 + SIGKILL ? odd : status;
        }

        printf("way %d: %d %d %d %d, odd %d\n", how, counts[0], counts[1], counts[2], counts[3],
               odd);
    }
}

/* An exec in a thread while the leader or another thread is in vfork, fork or clone. */
static void *exec_now(void *arg)
{
    rest((long)arg);
    execl("/bin/sh", "sh", "-c", "exit 8", NULL);
    return arg;
}

static void execs(void)
{
    int good = 0, left = 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int round = 0; round < 60; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            pthread_t thread;
            pthread_create(&thread, NULL, exec_now, (void *)(long)(29 * round));
            for (;;) {
                pid_t child = round % 3 == 0 ? vfork() : round % 3 == 1 ? fork()
                            : (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_PARENT, 0, 0, 0, 0);
                if (child == 0)
                    _exit(0);
            }
        }

        good += status_of(pid, 0) == 8;
        int status;
        while ((status = status_of(-1, __WALL)) >= 0)
            left += status != 0;
    }

    printf("execs: %d of 60, odd children %d\n", good, left);
}

int main(int argc, char **argv)
{
    static const struct question all[] = {
        {"orphans", orphans}, {"vforks", vforks}, {"parent_deaths", parent_deaths},
        {"asleep", asleep}, {"reapers", reapers}, {"middles", middles}, {"execs", execs}};
    program = argv[0];
    board = shared(sizeof *board);
    return answer(argc, argv, all, sizeof all / sizeof *all);
}
