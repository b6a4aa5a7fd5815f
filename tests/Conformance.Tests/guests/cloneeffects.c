/*
 * What each flag of clone and clone3 did, seen by the creator while the child stands still:
 * kcmp(2) of every kernel object, namespaces, ids written, pidfd, parent and exit signal.
 * One line a call, without ids, so that two runs can be compared.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int gate[2];
static char byte;
static int ptid, ctid, pidfd;
static volatile sig_atomic_t told;

/* The call; the child waits for one byte of the gate, then ends. It never touches its stack. */
static long create(long nr, long a, long b, long c, long d, long e)
{
    long ret;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r12 __asm__("r12") = gate[0];
    register char *r13 __asm__("r13") = &byte;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "mov %%r12, %%rdi\n\t"
                     "mov %%r13, %%rsi\n\t"
                     "mov $1, %%edx\n\t"
                     "xor %%eax, %%eax\n\t"
                     "syscall\n\t"
                     "mov $60, %%eax\n\t"
                     "xor %%edi, %%edi\n\t"
                     "syscall\n\t"
                     "1:"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r12), "r"(r13)
                     : "rcx", "r11", "memory");
    return ret;
}

static void on_signal(int sig)
{
    told = sig;
}

static void say_kcmp(const char *name, long child, int type)
{
    long order = syscall(SYS_kcmp, getpid(), child, type, 0, 0);
    printf(" %s %s", name, order < 0 ? strerrorname_np(errno) : order == 0 ? "shared" : "own");
}

static void say_namespaces(long child, uint64_t flags)
{
    static const struct { uint64_t flag; const char *name; } all[] = {
        {CLONE_NEWUSER, "user"}, {CLONE_NEWNS, "mnt"}, {CLONE_NEWUTS, "uts"},
        {CLONE_NEWIPC, "ipc"}, {CLONE_NEWPID, "pid"}, {CLONE_NEWCGROUP, "cgroup"},
        {CLONE_NEWNET, "net"}};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        char path[64], mine[64] = "", its[64] = "?";
        snprintf(path, sizeof path, "/proc/self/ns/%s", all[i].name);
        if (readlink(path, mine, sizeof mine - 1) < 0)
            continue;
        snprintf(path, sizeof path, "/proc/%ld/ns/%s", child, all[i].name);
        if (readlink(path, its, sizeof its - 1) < 0)
            snprintf(its, sizeof its, "%s", strerrorname_np(errno));
        if (strcmp(mine, its) || (flags & all[i].flag))
            printf(" %s %s", all[i].name, strcmp(mine, its) ? "new" : "same");
    }
}

/* PPid and Tgid of the child, as words: they tell whose child it became. */
static void say_family(long child)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%ld/status", child);
    FILE *file = fopen(path, "re");
    int value;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "PPid: %d", &value) == 1)
            printf(" parent %s", value == getpid() ? "caller" : value == getppid() ? "callers" : "?");
        if (sscanf(line, "Tgid: %d", &value) == 1)
            printf(" group %s", value == getpid() ? "caller" : value == child ? "own" : "?");
    }

    if (file != NULL)
        fclose(file);
}

/* The state of a task as a letter; '?' when it is gone. */
static char state_of(long child)
{
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/self/task/%ld/stat", child);
    if (access(path, F_OK) < 0)
        snprintf(path, sizeof path, "/proc/%ld/stat", child);
    FILE *file = fopen(path, "re");
    if (file != NULL && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = '?';
    if (file != NULL)
        fclose(file);
    return state;
}

/* The child writes its own tid when it first runs: wait until it sleeps at the gate. */
static void await_sleep(long child)
{
    for (int i = 0; i < 100000 && state_of(child) != 'S'; i++)
        sched_yield();
}

static void end_child(long child, uint64_t flags)
{
    if (write(gate[1], "x", 1) != 1)
        exit(1);
    if (flags & CLONE_THREAD) {
        while (syscall(SYS_tgkill, getpid(), child, 0) == 0)
            sched_yield();
    } else if (!(flags & CLONE_PARENT)) {
        int status = -1;
        waitpid((pid_t)child, &status, __WALL);
        printf(" status %d", status);
    } else {
        for (char state = 'S'; state != 'Z' && state != '?'; state = state_of(child))
            sched_yield();
    }

    if (flags & CLONE_PIDFD) {
        struct pollfd wait = {pidfd, POLLIN, 0};
        printf(" pidfd %s", pidfd > 2 && poll(&wait, 1, 5000) == 1 ? "ended" : "no");
        close(pidfd);
    }
}

static void probe(const char *entry, uint64_t flags, int signal)
{
    ptid = ctid = pidfd = -7;
    told = 0;
    long ret;
    if (strcmp(entry, "clone3") == 0) {
        struct clone_args args = {
            .flags = flags,
            .exit_signal = (uint64_t)signal,
            .pidfd = (uint64_t)&pidfd,
            .parent_tid = (uint64_t)&ptid,
            .child_tid = (uint64_t)&ctid,
        };
        ret = create(SYS_clone3, (long)&args, sizeof args, 0, 0, 0);
    } else {
        int *pointer = flags & CLONE_PIDFD ? &pidfd : &ptid;
        ret = create(SYS_clone, (long)(flags | (unsigned)signal), 0, (long)pointer, (long)&ctid, 0);
    }

    printf("%s 0x%llx signal %d:", entry, (unsigned long long)flags, signal);
    if (ret < 0) {
        printf(" %s\n", strerrorname_np((int)-ret));
        return;
    }

    await_sleep(ret);
    say_kcmp("vm", ret, KCMP_VM);
    say_kcmp("files", ret, KCMP_FILES);
    say_kcmp("fs", ret, KCMP_FS);
    say_kcmp("sighand", ret, KCMP_SIGHAND);
    say_kcmp("io", ret, KCMP_IO);
    say_kcmp("sem", ret, KCMP_SYSVSEM);
    say_namespaces(ret, flags);
    say_family(ret);
    printf(" ptid %s", ptid == ret ? "tid" : ptid == -7 ? "-" : "?");
    int seen = ctid; /* of a child with its own memory this word stays as it was */
    printf(" ctid %s", seen == ret || (seen == 1 && flags & CLONE_NEWPID) ? "tid"
                       : seen == -7 ? "-" : "?");
    end_child(ret, flags);
    if ((flags & (CLONE_VM | CLONE_CHILD_CLEARTID)) == (CLONE_VM | CLONE_CHILD_CLEARTID))
        printf(" cleared %s", ctid == 0 ? "yes" : "no");
    printf(" told %d\n", (int)told);
}

int main(void)
{
    static const uint64_t single[] = {
        0, CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_VM | CLONE_SIGHAND, CLONE_PIDFD, CLONE_PARENT,
        CLONE_SYSVSEM, CLONE_IO, CLONE_PARENT_SETTID, CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID,
        CLONE_NEWUSER, CLONE_NEWUSER | CLONE_NEWNS, CLONE_NEWUSER | CLONE_NEWUTS,
        CLONE_NEWUSER | CLONE_NEWIPC, CLONE_NEWUSER | CLONE_NEWPID, CLONE_NEWUSER | CLONE_NEWCGROUP,
        CLONE_NEWUSER | CLONE_NEWNET, CLONE_DETACHED,
        CLONE_THREAD | CLONE_VM | CLONE_SIGHAND};
    static const int signals[] = {SIGCHLD, 0, SIGUSR1, 34};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGCHLD, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(34, &action, NULL);
    if (pipe2(gate, O_CLOEXEC))
        return 1;

    /* Without these nobody has an I/O context or a list of semaphore adjustments to share. */
    syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 4);
    int set = semget(IPC_PRIVATE, 1, 0600);
    struct sembuf up = {0, 1, SEM_UNDO};
    semop(set, &up, 1);

    unsigned count = sizeof single / sizeof *single;
    for (unsigned a = 0; a < count; a++)
        for (unsigned b = a; b < count; b++)
            for (unsigned s = 0; s < (a == b ? 4 : 1); s++) {
                uint64_t flags = single[a] | single[b];

                /* Ending a namespace takes milliseconds: those go with memory only. */
                if (a != b && flags & CLONE_NEWUSER && single[a] != CLONE_VM)
                    continue;
                int inherits = (flags & (CLONE_THREAD | CLONE_PARENT)) != 0;
                probe("clone", flags, inherits ? 0 : signals[s]);
                probe("clone3", flags, inherits ? 0 : signals[s]);
            }
    semctl(set, 0, IPC_RMID);
    return 0;
}
