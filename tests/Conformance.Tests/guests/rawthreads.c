/* Threads by clone(2) as musl makes them: alone, with forks, while the process execs or ends. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FLAGS                                                                                  \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM          \
     | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_DETACHED)
enum { PLACES = 16, STACK = 16384 };

/* A thread; none of what it runs may use its thread area, which is empty. */
struct place {
    int tid, alive;
    uint64_t area[64];
    char stack[STACK] __attribute__((aligned(64)));
};

static struct place places[PLACES];
static int counted, wrong, children;
static char **again;

static inline long call(long nr, long a, long b, long c, long d, long e)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    long ret;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return ret;
}

static void rest(long nanoseconds)
{
    struct timespec time = {0, nanoseconds};
    call(SYS_nanosleep, (long)&time, 0, 0, 0, 0);
}

static long make(struct place *place, void (*run)(struct place *))
{
    void **top = (void **)(place->stack + STACK);
    *--top = place;
    *--top = (void *)run;
    place->area[0] = (uint64_t)place->area;
    place->alive = 1;
    register long r10 __asm__("r10") = (long)&place->alive;
    register long r8 __asm__("r8") = (long)place->area;
    long ret;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "pop %%rax\n\t"
                     "pop %%rdi\n\t"
                     "call *%%rax\n\t"
                     "xor %%edi, %%edi\n\t"
                     "mov $60, %%eax\n\t"
                     "syscall\n"
                     "1:"
                     : "=a"(ret)
                     : "0"(SYS_clone), "D"(FLAGS), "S"(top), "d"(&place->tid), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return ret;
}

static void join(struct place *place)
{
    int tid;
    while ((tid = __atomic_load_n(&place->alive, __ATOMIC_ACQUIRE)) != 0)
        call(SYS_futex, (long)&place->alive, FUTEX_WAIT, tid, 0, 0);
}

static void count(struct place *place)
{
    long self = call(SYS_gettid, 0, 0, 0, 0, 0);
    __atomic_fetch_add(self == place->tid ? &counted : &wrong, 1, __ATOMIC_RELAXED);
}

static void fork_and_wait(struct place *place)
{
    count(place);
    long child = call(SYS_fork, 0, 0, 0, 0, 0);
    if (child == 0)
        call(SYS_exit_group, 0, 0, 0, 0, 0);
    if (child > 0 && call(SYS_wait4, child, 0, __WALL, 0, 0) == child)
        __atomic_fetch_add(&children, 1, __ATOMIC_RELAXED);
}

static void make_all_the_time(struct place *place)
{
    struct place *mine = place + PLACES / 2;
    for (;;) {
        if (make(mine, count) > 0)
            join(mine);
    }
}

static void exec_soon(struct place *place)
{
    rest(1000 * (place->area[1] % 1500));
    call(SYS_execve, (long)again[0], (long)again, 0, 0, 0);
}

/* A process in which threads are made all the time until it ends as the question says. */
static void busy(const char *question)
{
    for (int i = 0; i < 3; i++)
        make(&places[i], make_all_the_time);
    places[3].area[1] = (uint64_t)rand();
    if (strcmp(question, "exec") == 0)
        make(&places[3], exec_soon);
    else if (strcmp(question, "exit") == 0) {
        rest(1000 * (rand() % 1500));
        _exit(7);
    }

    make_all_the_time(&places[4]);
}

static int rounds_of(const char *question, int rounds)
{
    int good = 0;
    for (int i = 0; i < rounds; i++) {
        srand((unsigned)i);
        pid_t pid = fork();
        if (pid == 0)
            busy(question);
        if (strcmp(question, "kill") == 0) {
            rest(1000 * (rand() % 1500));
            kill(pid, SIGKILL);
        }

        int status;
        waitpid(pid, &status, 0);
        int expected = strcmp(question, "kill") == 0 ? SIGKILL : 7 << 8;
        good += status == expected;
        if (status != expected)
            fprintf(stderr, "round %d: status %x\n", i, status);
    }

    return good;
}

int main(int argc, char **argv)
{
    const char *question = argc > 1 ? argv[1] : "again";
    int rounds = argc > 2 ? atoi(argv[2]) : 0;
    static char *next[] = {NULL, "again", NULL};
    next[0] = argv[0];
    again = next;
    if (strcmp(question, "again") == 0)
        return 7;
    if (strcmp(question, "end") == 0) {
        srand((unsigned)rounds);
        busy("exit");
    }

    if (strcmp(question, "threads") != 0 && strcmp(question, "forks") != 0) {
        printf("%s %d\n", question, rounds_of(question, rounds));
        return 0;
    }

    void (*run)(struct place *) = strcmp(question, "forks") == 0 ? fork_and_wait : count;
    for (int i = 0; i < rounds; i++) {
        struct place *place = &places[i % PLACES];
        join(place);
        if (make(place, run) != place->tid)
            wrong++;
    }

    for (int i = 0; i < PLACES; i++)
        join(&places[i]);
    printf("threads %d, wrong %d, children %d\n", counted, wrong, children);
    return 0;
}
