/* What a new task has and has not of its creator: signals, timers, lists, stacks, TLS. */
#include "equality.h"
#include <linux/futex.h>
#include <linux/rseq.h>
#include <sys/rseq.h>
#include <sys/time.h>

enum { STACK = 1 << 16, ENTRIES = 6 };

static const char *entries[ENTRIES] = {
    "fork", "vfork", "clone", "clone3", "clone vm", "clone vfork"};
static char own_stack[STACK] __attribute__((aligned(64)));
static char alternate[STACK];
static struct robust_list_head robust;
static timer_t timer;
static volatile sig_atomic_t caught, on_alternate;
static __thread int own = 11;
static char *program;

static void on_signal(int sig)
{
    char here;
    caught = sig;
    on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
}

static unsigned long long pending(void)
{
    sigset_t set;
    unsigned long long bits = 0;
    sigpending(&set);
    for (int i = 1; i < 64; i++)
        bits |= sigismember(&set, i) == 1 ? 1ULL << i : 0;
    return bits;
}

static unsigned long long blocked(void)
{
    unsigned long long bits = 0;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &bits, 8);
    return bits;
}

static int timers(void)
{
    struct itimerval value;
    int running = 0;
    for (int which = 0; which < 3; which++) {
        getitimer(which, &value);
        running |= (value.it_value.tv_sec != 0 || value.it_value.tv_usec != 0) << which;
    }

    return running;
}

/* Whether this task has an area for restartable sequences: a second one is refused then. */
static const char *sequences(void)
{
    static __thread struct rseq second __attribute__((aligned(32)));
    long result = syscall(SYS_rseq, &second, sizeof second, 0, RSEQ_SIG);
    const char *said = name_of(result);
    if (result == 0)
        syscall(SYS_rseq, &second, sizeof second, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
    return said;
}

/* One line about this task; it must not change anything that its creator shares. */
static void describe(const char *who)
{
    char line[512];
    struct robust_list_head *head = NULL;
    size_t size = 0;
    stack_t stack = {0};
    struct sigaction action;
    struct itimerspec left;
    int death = -1, reaper = -1;
    syscall(SYS_get_robust_list, 0, &head, &size);
    sigaltstack(NULL, &stack);
    sigaction(SIGUSR1, NULL, &action);
    prctl(PR_GET_PDEATHSIG, &death);
    prctl(PR_GET_CHILD_SUBREAPER, &reaper);
    int length = snprintf(
        line, sizeof line,
        "%s: pending %llx blocked %llx handler %d timers %d posix %d robust %d altstack %d size %d "
        "rseq %s death %d reaper %d slack %d own %d\n",
        who, pending(), blocked(), action.sa_handler == on_signal, timers(),
        timer_gettime(timer, &left) == 0, head == &robust, stack.ss_sp == alternate,
        (int)stack.ss_size, sequences(), death, reaper, prctl(PR_GET_TIMERSLACK), own);
    if (write(1, line, (size_t)length) != length)
        _exit(99);
}

static int describe_in(void *name)
{
    describe(name);
    return 0;
}

static void *describe_thread(void *name)
{
    describe(name);
    return name;
}

static void prepare(void)
{
    struct itimerval hour = {{3600, 0}, {3600, 0}};
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    struct itimerspec day = {{0, 0}, {86400, 0}};
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigset_t set;
    handle(SIGUSR1, on_signal, SA_ONSTACK);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, 40);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR1);
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR2);
    sigqueue(getpid(), 40, (union sigval){.sival_int = 1});
    for (int which = 0; which < 3; which++)
        setitimer(which, &hour, NULL);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &day, NULL);
    sigaltstack(&stack, NULL);
    robust.list.next = &robust.list;
    syscall(SYS_set_robust_list, &robust, sizeof robust);
    prctl(PR_SET_PDEATHSIG, SIGWINCH);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_TIMERSLACK, 77777);
    own = 22;
}

static void inherit(void)
{
    prepare();
    describe("creator");
    for (int i = 0; i < ENTRIES; i++) {
        struct clone_args args = {.exit_signal = SIGCHLD};
        char *top = own_stack + STACK;
        long made = i == 0 ? syscall(SYS_fork)
                  : i == 1 ? 0
                  : i == 2 ? syscall(SYS_clone, SIGCHLD | CLONE_UNTRACED, 0, 0, 0, 0)
                  : i == 3 ? syscall(SYS_clone3, &args, sizeof args)
                  : i == 4 ? clone(describe_in, top, CLONE_VM | SIGCHLD, (void *)entries[i])
                  : clone(describe_in, top, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)entries[i]);
        if (i == 1)
            made = vfork();
        if (made == 0) {
            describe(entries[i]);
            _exit(0);
        }

        printf("%s ends %d\n", entries[i], status_of((pid_t)made, __WALL));
    }

    pthread_t thread;
    pthread_create(&thread, NULL, describe_thread, "thread");
    pthread_join(thread, NULL);
    describe("creator");
    execl(program, program, "after_exec", NULL);
}

static void after_exec(void)
{
    describe("after exec");
}

/* Handlers run on the alternate stack in the creator and in its children. */
static void stacks(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&stack, NULL);
    handle(SIGUSR1, on_signal, SA_ONSTACK);
    raise(SIGUSR1);
    printf("creator %d\n", (int)on_alternate);
    for (int i = 0; i < 3; i++) {
        on_alternate = 0;
        fflush(stdout);
        long made = i == 0 ? syscall(SYS_fork) : i == 1 ? 0
                  : syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (i == 1)
            made = vfork();
        if (made == 0) {
            syscall(SYS_tgkill, (int)syscall(SYS_getpid), (int)syscall(SYS_gettid), SIGUSR1);
            _exit(on_alternate);
        }

        printf("%s %d\n", entries[i], status_of((pid_t)made, 0));
    }
}

static void *die_with_lock(void *arg)
{
    pthread_mutex_lock(arg);
    return arg;
}

/* The kernel walks a dying task's list: in threads, in forked children, and killed ones. */
static void robust_lists(void)
{
    pthread_mutexattr_t how;
    pthread_mutex_t *lock = shared(sizeof *lock);
    pthread_t thread;
    pthread_mutexattr_init(&how);
    pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(lock, &how);
    for (int i = 0; i < 4; i++) {
        if (i == 0) {
            pthread_create(&thread, NULL, die_with_lock, lock);
            pthread_join(thread, NULL);
        } else {
            pid_t pid = fork();
            if (pid == 0) {
                pthread_mutex_lock(lock);
                if (i == 1)
                    _exit(0);
                if (i == 2)
                    execl("/bin/true", "true", NULL);
                kill(getpid(), SIGKILL);
            }

            status_of(pid, 0);
        }

        int result = pthread_mutex_lock(lock);
        printf("robust %d: %s\n", i, result == 0 ? "0" : strerrorname_np(result));
        if (result == EOWNERDEAD)
            pthread_mutex_consistent(lock);
        pthread_mutex_unlock(lock);
    }
}

/* A restartable sequence knows its CPU in every task that may have one. */
static void *sequence_thread(void *arg)
{
    struct rseq *mine = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
    printf("%s: size %u, known %d\n", (char *)arg, __rseq_size,
           (int)__atomic_load_n(&mine->cpu_id, __ATOMIC_RELAXED) >= 0);
    return arg;
}

static void rseq(void)
{
    pthread_t thread;
    sequence_thread("creator");
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        sequence_thread("child");
        pthread_create(&thread, NULL, sequence_thread, "child's thread");
        pthread_join(thread, NULL);
        fflush(stdout);
        _exit(0);
    }

    printf("ends %d\n", status_of(pid, 0));
    pthread_create(&thread, NULL, sequence_thread, "thread");
    pthread_join(thread, NULL);
}

/* Timers and pending signals of a creator that makes children all the time lose nothing. */
static volatile sig_atomic_t counts[65];

static void count(int sig)
{
    counts[sig]++;
}

static void timers_tick(void)
{
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 41};
    struct itimerspec fast = {{0, 2000000}, {0, 2000000}};
    handle(SIGALRM, count, SA_RESTART);
    handle(SIGVTALRM, count, SA_RESTART);
    handle(SIGPROF, count, SA_RESTART);
    handle(41, count, SA_RESTART);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &fast, NULL);
    for (int which = 0; which < 3; which++)
        setitimer(which, &often, NULL);
    int made = 0, silent = 0, enough = 0;
    for (int i = 0; i < 2000 && !enough; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            memset((void *)counts, 0, sizeof counts);
            _exit(timers() == 0 && pending() == 0 ? 3 : 4);
        }

        made += pid > 0;
        silent += status_of(pid, 0) == 3;
        enough = counts[SIGALRM] > 5 && counts[SIGPROF] > 5 && counts[SIGVTALRM] > 1
              && counts[41] > 5 && i >= 100;
    }

    for (int which = 0; which < 3; which++)
        setitimer(which, &never, NULL);
    printf("all made %d, silent in all %d, all ticked %d\n", made > 100, silent == made, enough);
}

int main(int argc, char **argv)
{
    static const struct question all[] = {
        {"inherit", inherit}, {"after_exec", after_exec}, {"stacks", stacks},
        {"robust_lists", robust_lists}, {"rseq", rseq}, {"timers", timers_tick}};
    program = argv[0];
    return answer(argc, argv, all, sizeof all / sizeof *all);
}
