/* Whom CPU time, memory and faults are accounted to; what limits and timers of CPU time do. */
#include "equality.h"
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>

enum { BURN_MS = 40, MEMORY = 32 << 20 };

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
    caught = sig;
}

static long milliseconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static long used(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000
         + (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000;
}

/* Uses CPU time by this process's own clock, so it takes as long as it takes. */
static void burn(clockid_t clock, long ms)
{
    long from = milliseconds(clock);
    while (milliseconds(clock) - from < ms)
        ;
}

static long of_children(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return used(&usage);
}

/* What a child used counts as its parent's once it was waited for, and not before. */
static void children(void)
{
    struct rusage usage;
    struct tms times_then, times_now;
    times(&times_then);
    printf("none: %d\n", of_children() < BURN_MS / 2);
    int pipes[2];
    if (pipe(pipes))
        return;
    pid_t pid = fork();
    if (pid == 0) {
        struct rusage own;
        getrusage(RUSAGE_SELF, &own);
        int fresh = used(&own) < BURN_MS / 2
                 && milliseconds(CLOCK_PROCESS_CPUTIME_ID) < BURN_MS / 2;
        burn(CLOCK_PROCESS_CPUTIME_ID, BURN_MS);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            burn(CLOCK_PROCESS_CPUTIME_ID, BURN_MS);
            _exit(0);
        }

        waitpid(grandchild, NULL, 0);
        if (write(pipes[1], fresh ? "y" : "n", 1) != 1)
            _exit(9);
        _exit(3);
    }

    char fresh;
    if (read(pipes[0], &fresh, 1) != 1)
        return;
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    printf("fresh %c, before it is waited for: %d\n", fresh, of_children() < BURN_MS / 2);
    int status;
    wait4(pid, &status, 0, &usage);
    times(&times_now);
    printf("by wait4: %d, with its child's %d, exit %d\n", used(&usage) >= BURN_MS,
           used(&usage) >= 2 * BURN_MS - 2, WEXITSTATUS(status));
    long ticks = times_now.tms_cutime + times_now.tms_cstime - times_then.tms_cutime
               - times_then.tms_cstime;
    printf("by getrusage: %d, by times: %d\n", of_children() >= 2 * BURN_MS - 2,
           ticks >= 2 * BURN_MS / (1000 / sysconf(_SC_CLK_TCK)) - 2);
}

/* A child that nobody waits for is accounted to nobody. */
static void unwaited(void)
{
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = fork();
    if (pid == 0) {
        burn(CLOCK_PROCESS_CPUTIME_ID, BURN_MS);
        _exit(0);
    }

    printf("wait: %s\n", name_of(waitpid(pid, NULL, 0)));
    printf("ignored: %d\n", of_children() < BURN_MS / 2);
    signal(SIGCHLD, SIG_DFL);
}

static void *burn_in_thread(void *clock)
{
    burn(CLOCK_THREAD_CPUTIME_ID, BURN_MS);
    if (clock != NULL)
        pthread_getcpuclockid(pthread_self(), clock);
    return clock;
}

/* Threads: of each its own, of the process all, also of those that ended. */
static void threads(void)
{
    struct rusage mine, all;
    pthread_t thread;
    pthread_create(&thread, NULL, burn_in_thread, NULL);
    pthread_join(thread, NULL);
    getrusage(RUSAGE_THREAD, &mine);
    getrusage(RUSAGE_SELF, &all);
    printf("thread %d, process %d\n", used(&mine) < BURN_MS / 2, used(&all) >= BURN_MS - 1);
    printf("clocks: thread %d, process %d\n", milliseconds(CLOCK_THREAD_CPUTIME_ID) < BURN_MS / 2,
           milliseconds(CLOCK_PROCESS_CPUTIME_ID) >= BURN_MS);
}

/* The most memory of a child, its own and not its parent's, which an exec does not take back. */
static void memory(void)
{
    for (int exec = 0; exec < 2; exec++) {
        struct rusage usage;
        pid_t pid = fork();
        if (pid == 0) {
            char *block = malloc(MEMORY);
            memset(block, 1, MEMORY);
            if (exec)
                execl("/bin/true", "true", NULL);
            _exit(block[MEMORY / 2] - 1);
        }

        wait4(pid, NULL, 0, &usage);
        printf("exec %d: memory %d, faults %d\n", exec, usage.ru_maxrss >= MEMORY / 1024,
               usage.ru_minflt >= MEMORY / 4096 / 600);
    }
}

/* Limits and timers of CPU time, in a process that makes others all the time. */
static void limits(void)
{
    struct rlimit limit = {1, 2};
    for (int how = 0; how < 2; how++) {
        pid_t pid = fork();
        if (pid == 0) {
            handle(SIGXCPU, how ? on_signal : SIG_DFL, 0);
            setrlimit(RLIMIT_CPU, &limit);
            while (how == 0 || !caught) {
                pid_t child = fork();
                if (child == 0)
                    _exit(0);
                waitpid(child, NULL, 0);
                burn(CLOCK_PROCESS_CPUTIME_ID, 20);
            }

            _exit(caught == SIGXCPU ? 5 : 6);
        }

        printf("limit %d: %d\n", how, status_of(pid, 0));
    }

    static const int signals[] = {SIGALRM, SIGVTALRM, SIGPROF};
    for (int which = ITIMER_VIRTUAL; which <= ITIMER_PROF; which++) {
        struct itimerval once = {{0, 0}, {0, BURN_MS * 1000}};
        caught = 0;
        handle(signals[which], on_signal, 0);
        setitimer(which, &once, NULL);
        while (!caught)
            ;
        printf("timer %d: signal %d\n", which, caught == signals[which]);
    }
}

/* The clock of another process stands while it is stopped, and goes with it otherwise. */
static void clocks(void)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            ;
    clockid_t clock;
    printf("clock %d\n", clock_getcpuclockid(pid, &clock));
    while (milliseconds(clock) < BURN_MS)
        rest(1000);
    kill(pid, SIGSTOP);
    printf("stopped %d\n", status_of(pid, WUNTRACED));
    long then = milliseconds(clock);
    rest(50000);
    printf("stands %d\n", milliseconds(clock) == then);
    kill(pid, SIGCONT);
    while (milliseconds(clock) < then + BURN_MS)
        rest(1000);
    kill(pid, SIGKILL);
    struct rusage usage;
    int status;
    wait4(pid, &status, 0, &usage);
    printf("killed %d, used %d\n", WTERMSIG(status), used(&usage) >= 2 * BURN_MS - 2);
}

int main(int argc, char **argv)
{
    static const struct question all[] = {
        {"children", children}, {"unwaited", unwaited}, {"threads", threads}, {"memory", memory},
        {"limits", limits}, {"clocks", clocks}};
    return answer(argc, argv, all, sizeof all / sizeof *all);
}
