/*
 * One operation in a loop: micro OPERATION COUNT [LIVE]. Prints nanoseconds per operation.
 * With LIVE, so many idle processes exist meanwhile. micro command COUNT PROGRAM [ARG]... runs
 * a program from start to end, and micro nothing is a program that does nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IDLE_STACK 4096

extern char **environ;
static char *const empty[] = {"/proc/self/exe", "nothing", NULL};

static void fail(const char *what)
{
    fprintf(stderr, "micro: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void reap(pid_t child)
{
    int status;
    if (child < 0)
        fail("creation");
    while (waitpid(child, &status, __WALL) < 0)
        if (errno != EINTR)
            fail("waitpid");
    if (status != 0) {
        fprintf(stderr, "micro: a child ended with status %#x\n", status);
        exit(1);
    }
}

static void fork_wait(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    reap(child);
}

static void vfork_wait(void)
{
    pid_t child = vfork();
    if (child == 0)
        _exit(0);
    reap(child);
}

static void clone3_wait(void)
{
    struct clone_args args = {.exit_signal = SIGCHLD};
    pid_t child = syscall(SYS_clone3, &args, sizeof args);
    if (child == 0)
        _exit(0);
    reap(child);
}

static void fork_exec(void)
{
    pid_t child = fork();
    if (child == 0) {
        execve(empty[0], empty, environ);
        _exit(127);
    }
    reap(child);
}

static void spawn(void)
{
    pid_t child;
    errno = posix_spawn(&child, empty[0], NULL, NULL, empty, environ);
    reap(errno == 0 ? child : -1);
}

static char **program;

/* Its words must not be ours: standard output goes to /dev/null. */
static void command(void)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    pid_t child;
    errno = posix_spawnp(&child, program[0], &actions, NULL, program, environ);
    posix_spawn_file_actions_destroy(&actions);
    reap(errno == 0 ? child : -1);
}

static void *nothing(void *argument)
{
    return argument;
}

static void thread(void)
{
    pthread_t created;
    errno = pthread_create(&created, NULL, nothing, NULL);
    if (errno != 0)
        fail("pthread_create");
    pthread_join(created, NULL);
}

static void on_signal(int signal)
{
    (void)signal;
}

static void signal_self(void)
{
    kill(getpid(), SIGUSR1);
}

static void get_pid(void)
{
    syscall(SYS_getpid);
}

static void one_instruction(void)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
        fail("seccomp");
}

static int idle(void *argument)
{
    for (;;)
        pause();
    return argument != NULL;
}

/* Processes that share this one's memory, so that thousands of them fit. */
static pid_t *start_idle(int count)
{
    pid_t *tasks = calloc(count, sizeof *tasks);
    char *stacks = mmap(NULL, (size_t)count * IDLE_STACK, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (tasks == NULL || stacks == MAP_FAILED)
        fail("memory");
    for (int i = 0; i < count; i++) {
        tasks[i] = clone(idle, stacks + (size_t)(i + 1) * IDLE_STACK,
                         CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, NULL);
        if (tasks[i] < 0)
            fail("idle task");
    }
    return tasks;
}

static void end_idle(pid_t *tasks, int count)
{
    for (int i = 0; i < count; i++)
        kill(tasks[i], SIGKILL);
    for (int i = 0; i < count; i++)
        waitpid(tasks[i], NULL, __WALL);
}

static const struct {
    const char *name;
    void (*run)(void);
} operations[] = {
    {"fork", fork_wait},   {"vfork", vfork_wait}, {"clone3", clone3_wait},
    {"exec", fork_exec},   {"spawn", spawn},      {"thread", thread},
    {"signal", signal_self}, {"getpid", get_pid}, {"getpid-filtered", get_pid},
    {"command", command},
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

static double measure(void (*run)(void), int count)
{
    for (int i = 0; i < count / 10; i++)
        run();
    double start = now();
    for (int i = 0; i < count; i++)
        run();
    return (now() - start) / count;
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return 0;
    int count = argc > 2 ? atoi(argv[2]) : 0;
    int live = argc > 3 ? atoi(argv[3]) : 0;
    program = argv + 3;
    signal(SIGUSR1, on_signal);
    for (unsigned i = 0; i < sizeof operations / sizeof *operations && count > 0; i++) {
        if (strcmp(argv[1], operations[i].name) != 0)
            continue;
        if (strcmp(argv[1], "getpid-filtered") == 0)
            one_instruction();
        pid_t *tasks = live > 0 ? start_idle(live) : NULL;
        double each = measure(operations[i].run, count);
        if (live > 0)
            end_idle(tasks, live);
        printf("%.2f\n", each);
        return 0;
    }
    fprintf(stderr, "usage: micro OPERATION COUNT [LIVE]\n");
    return 2;
}
