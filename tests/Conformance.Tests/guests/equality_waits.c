/* What waits and SIGCHLD tell of children that stop, go on and end, alone and in groups. */
#include "equality.h"

enum { MEMBERS = 4, TOLD = 64 };

struct board {
    int go, work[MEMBERS];
};

static struct board *board;
static int told[TOLD][3];
static volatile sig_atomic_t tellings;

static void on_child(int sig, siginfo_t *info, void *context)
{
    if (tellings < TOLD) {
        told[tellings][0] = info->si_code;
        told[tellings][1] = info->si_status;
        told[tellings][2] = info->si_pid;
        tellings++;
    }
}

static void listen_to(int flags)
{
    struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | flags};
    sigaction(SIGCHLD, &action, NULL);
    tellings = 0;
}

static void say_told(pid_t pid)
{
    for (int i = 0; i < 200 && tellings == 0; i++)
        rest(1000);
    printf(" told");
    for (int i = 0; i < tellings; i++)
        printf(" %d:%d:%d", told[i][0], told[i][1], told[i][2] == pid);
    printf("\n");
    tellings = 0;
}

static void look(const char *name, pid_t pid, int options)
{
    siginfo_t info = {0};
    long result;
    while ((result = waitid(P_PID, (id_t)pid, &info, options)) < 0 && errno == EINTR)
        ;
    printf(" %s", name);
    if (result < 0)
        printf(" %s", strerrorname_np(errno));
    else if (info.si_pid == 0)
        printf(" none");
    else
        printf(" %d:%d", info.si_code, info.si_status);
}

static void *idle(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static pid_t start(int threads)
{
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        setpgid(0, 0);
        handle(SIGTSTP, SIG_DFL, 0);
        for (int i = 0; i < threads; i++)
            pthread_create(&thread, NULL, idle, NULL);
        __atomic_store_n(&board->go, 1, __ATOMIC_SEQ_CST);
        idle(NULL);
    }

    becomes(&board->go, 1);
    board->go = 0;
    return pid;
}

/* Each kind of stop, of going on and of end, by waitid(2) with every option and by SIGCHLD. */
static void results(int threads, int flags)
{
    static const int stops[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
    static const int ends[] = {SIGTERM, SIGKILL, SIGCONT};

    /* Its group is no orphan, for its parent is in the same session and in another group. */
    for (int i = 0; i < 4; i++) {
        listen_to(flags);
        pid_t pid = start(threads);
        printf("running:");
        look("any", pid, WSTOPPED | WCONTINUED | WEXITED | WNOHANG);
        printf("\nsignal %d:", stops[i]);
        kill(pid, stops[i]);
        look("seen", pid, WSTOPPED | WNOWAIT);
        look("exited", pid, WEXITED | WNOHANG);
        look("continued", pid, WCONTINUED | WNOHANG);
        look("stopped", pid, WSTOPPED);
        look("again", pid, WSTOPPED | WNOHANG);
        printf(" state %c", state_of(pid));
        say_told(pid);
        kill(pid, stops[i]);
        kill(pid, SIGCONT);
        look("continued", pid, WCONTINUED | WNOWAIT);
        printf(" as status %d", status_of(pid, WCONTINUED | WUNTRACED));
        look("again", pid, WCONTINUED | WSTOPPED | WNOHANG);
        say_told(pid);
        kill(pid, SIGSTOP);
        printf("stopped:");
        say_told(pid);
        printf("as status %d,", status_of(pid, WUNTRACED));
        kill(pid, ends[i % 3]);
        if (ends[i % 3] != SIGKILL)
            look("running", pid, WEXITED | WNOHANG);
        if (ends[i % 3] == SIGCONT)
            kill(pid, SIGABRT);
        kill(pid, SIGCONT);
        look("ended", pid, WEXITED | WNOWAIT);
        printf(" as status %d\n", status_of(pid, WUNTRACED | WCONTINUED));
    }
}

static void alone(void)
{
    results(0, SA_RESTART);
}

static void threaded(void)
{
    results(3, SA_RESTART);
}

static void no_stops(void)
{
    results(1, SA_RESTART | SA_NOCLDSTOP);
}

/* Children that nobody waits for, because SIGCHLD is ignored or says so. */
static void unwaited(void)
{
    for (int how = 0; how < 3; how++) {
        listen_to(how == 1 ? SA_NOCLDWAIT | SA_RESTART : SA_RESTART);
        if (how == 2)
            signal(SIGCHLD, SIG_IGN);
        pid_t pids[8];
        for (int i = 0; i < 8; i++)
            if ((pids[i] = fork()) == 0)
                _exit(i);
        int status = 0, waited = 0;
        while (wait(&status) > 0)
            waited += 1 + WEXITSTATUS(status);
        int error = errno, gone = 0;
        for (int i = 0; i < 8; i++)
            gone += kill(pids[i], 0) < 0;
        printf("way %d: waited %d, %s, gone %d, told %d\n", how, waited, strerrorname_np(error),
               gone, tellings > 0);
    }

    signal(SIGCHLD, SIG_DFL);
}

static void *wait_here(void *arg)
{
    int *pid = arg;
    pid[1] = status_of(pid[0], __WNOTHREAD);
    pid[2] = status_of(pid[0], 0);
    return arg;
}

static int cloned_child(void *arg)
{
    return 5;
}

/* Who may wait for whom: threads, groups, children without SIGCHLD. */
static void whose(void)
{
    pthread_t thread;
    int ask[3] = {0};
    ask[0] = fork();
    if (ask[0] == 0)
        _exit(4);
    pthread_create(&thread, NULL, wait_here, ask);
    pthread_join(thread, NULL);
    printf("another thread's: own only %d, any %d\n", ask[1], ask[2]);
    char *stack = malloc(65536);
    static const int signals[] = {SIGCHLD, 0, SIGUSR2};
    static const int options[] = {0, __WCLONE, __WALL, __WCLONE | __WALL, __WCLONE | __WNOTHREAD};
    signal(SIGUSR2, SIG_IGN);
    for (int s = 0; s < 3; s++) {
        for (int o = 0; o < 5; o++) {
            pid_t pid = clone(cloned_child, stack + 65536, signals[s] | CLONE_VFORK, NULL);
            printf("signal %d options %x: %d\n", signals[s], options[o],
                   status_of(pid, options[o]));
            status_of(pid, __WALL);
        }
    }

    free(stack);
    pid_t leader = 0;
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            becomes(&board->go, 1);
            _exit(60 + i);
        }

        leader = leader ? leader : pid;
        setpgid(pid, i < 2 ? leader : 0);
    }

    printf("own group: %d\n", status_of(0, 0));
    __atomic_store_n(&board->go, 1, __ATOMIC_SEQ_CST);
    int first = status_of(-leader, 0), second = status_of(-leader, 0);
    printf("their group: %d, then %d, any %d\n", first + second, status_of(-leader, 0),
           status_of(-1, 0));
    board->go = 0;
}

static void *fork_and_wait(void *arg)
{
    for (;;) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
        __atomic_fetch_add((int *)arg, 1, __ATOMIC_SEQ_CST);
    }

    return arg;
}

static int moves(const int before[MEMBERS])
{
    int sum = 0;
    for (int i = 0; i < MEMBERS; i++)
        sum += __atomic_load_n(&board->work[i], __ATOMIC_SEQ_CST) != before[i];
    return sum;
}

/* A group whose processes and threads create all the time is stopped, continued and killed. */
static void groups(void)
{
    pid_t leader = 0, pids[MEMBERS];
    int before[MEMBERS];
    for (int i = 0; i < MEMBERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            pthread_t thread;
            setpgid(0, leader);
            for (int k = 0; k < i % 3; k++)
                pthread_create(&thread, NULL, fork_and_wait, &board->work[i]);
            fork_and_wait(&board->work[i]);
        }

        leader = leader ? leader : pids[i];
        setpgid(pids[i], leader);
    }

    for (int round = 0; round < 12; round++) {
        int stopped = 0, states = 0, continued = 0;
        rest(3000 * (round % 4));
        kill(-leader, round % 2 ? SIGSTOP : SIGTSTP);
        for (int i = 0; i < MEMBERS; i++)
            stopped += status_of(pids[i], WUNTRACED) == 1000 + (round % 2 ? SIGSTOP : SIGTSTP);
        for (int i = 0; i < MEMBERS; i++)
            states += state_of(pids[i]) == 'T';

        /* A thread may still be on its way to the stop; nothing moves once all stand. */
        rest(20000);
        memcpy(before, board->work, sizeof before);
        rest(30000);
        int moved = moves(before);
        kill(-leader, SIGCONT);
        for (int i = 0; i < MEMBERS; i++)
            continued += status_of(pids[i], WCONTINUED) == 2000;
        for (int i = 0; i < PATIENCE && moves(before) != MEMBERS; i++)
            rest(1000);
        printf("round %d: stopped %d states %d moved %d continued %d, then %d move\n", round,
               stopped, states, moved, continued, moves(before));
    }

    kill(-leader, SIGSTOP);
    kill(-leader, SIGKILL);
    for (int i = 0; i < MEMBERS; i++)
        printf("ends %d\n", status_of(pids[i], 0));
}

int main(int argc, char **argv)
{
    static const struct question all[] = {
        {"alone", alone}, {"threaded", threaded}, {"no_stops", no_stops}, {"unwaited", unwaited},
        {"whose", whose}, {"groups", groups}};
    board = shared(sizeof *board);
    return answer(argc, argv, all, sizeof all / sizeof *all);
}
