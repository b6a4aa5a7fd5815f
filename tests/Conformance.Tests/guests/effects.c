/* What a child really shares, and which namespaces it has, seen from the child or by kcmp(2). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SPARE_FD = 100, LINK = 64, IOPRIO = 2 << 13 | 4 };

extern char **environ;

/* What a child says, and when it may end. */
struct note {
    int said, parent, over;
    char uts[LINK];
};

static struct note *note;
static char own_uts[LINK];

static void uts_of(const char *path, char *link)
{
    ssize_t got = readlink(path, link, LINK - 1);
    link[got > 0 ? got : 0] = 0;
}

static void wait_for(int *flag)
{
    while (__atomic_load_n(flag, __ATOMIC_SEQ_CST) == 0)
        nanosleep(&(struct timespec){0, 100000}, NULL);
}

static void tell(int *flag)
{
    __atomic_store_n(flag, 1, __ATOMIC_SEQ_CST);
}

static void say(void)
{
    dup2(0, SPARE_FD);
    if (chdir("/") != 0)
        _exit(1);
    note->parent = getppid();
    uts_of("/proc/self/ns/uts", note->uts);
    tell(&note->said);
}

static long make(int three, unsigned long flags)
{
    struct clone_args args = {.flags = flags};
    args.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD;
    return three ? syscall(SYS_clone3, &args, sizeof args)
                 : syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static const char *same(pid_t child, int what)
{
    long differ = syscall(SYS_kcmp, getpid(), child, what, 0, 0);
    return differ < 0 ? strerrorname_np(errno) : differ == 0 ? "shared" : "apart";
}

static void shares(const char *name, int three, unsigned long flags)
{
    char before[4096], after[4096];
    memset(note, 0, sizeof *note);
    if (!getcwd(before, sizeof before))
        return;
    close(SPARE_FD);
    long child = make(three, flags);
    if (child == 0) {
        say();
        wait_for(&note->over);
        _exit(0);
    }

    if (child < 0) {
        printf("%s: %s\n", name, strerrorname_np(errno));
        return;
    }

    wait_for(&note->said);
    printf("%s: files %s", name, fcntl(SPARE_FD, F_GETFD) >= 0 ? "shared" : "apart");
    printf(", directory %s",
           getcwd(after, sizeof after) && strcmp(before, after) != 0 ? "shared" : "apart");
    printf(", io %s", same((pid_t)child, KCMP_IO));
    printf(", semaphores %s", same((pid_t)child, KCMP_SYSVSEM));
    printf(", parent %s", note->parent == getpid() ? "the caller" : "the caller's");
    printf(", uts %s\n", strcmp(note->uts, own_uts) == 0 ? "shared" : "apart");
    tell(&note->over);
    while (waitpid((pid_t)child, NULL, __WALL) < 0 && errno == EINTR)
        ;
    if (chdir(before) != 0)
        exit(1);
}

static void strip(unsigned long flags)
{
    /* In a child of ours, so that CLONE_PARENT makes children of this process. */
    int set = semget(IPC_PRIVATE, 1, 0600);
    pid_t caller = fork();
    if (caller == 0) {
        struct sembuf up = {0, 1, SEM_UNDO};
        syscall(SYS_ioprio_set, 1, 0, IOPRIO);
        if (semop(set, &up, 1) != 0)
            perror("semop");
        shares("clone", 0, flags);
        shares("clone3", 1, flags);
        fflush(stdout);
        _exit(0);
    }

    waitpid(caller, NULL, 0);
    while (waitpid(-1, NULL, __WALL) > 0)
        ;
    semctl(set, 0, IPC_RMID);
}

static void report(const char *name, long child)
{
    if (child < 0) {
        printf("%s: %s\n", name, strerrorname_np(errno));
        return;
    }

    waitpid((pid_t)child, NULL, 0);
    printf("%s: %s\n", name, strcmp(note->uts, own_uts) == 0 ? "old" : "new");
    memset(note, 0, sizeof *note);
    fflush(stdout);
}

static void *in_thread(void *arg)
{
    uts_of("/proc/thread-self/ns/uts", arg);
    return arg;
}

static void require(char *self)
{
    char *print[] = {self, "uts", own_uts, NULL};
    char command[5000];
    long child = syscall(SYS_fork);
    if (child == 0) {
        say();
        _exit(0);
    }

    report("fork", child);
    volatile int told = 0;
    child = vfork();
    if (child == 0) {
        uts_of("/proc/self/ns/uts", note->uts);
        nanosleep(&(struct timespec){0, 50000000}, NULL);
        told = 1;
        _exit(0);
    }

    int waited = told;
    report("vfork", child);
    printf("the caller waited and shares its memory: %d\n", waited);
    for (int three = 0; three < 2; three++) {
        child = make(three, 0);
        if (child == 0) {
            say();
            _exit(0);
        }

        report(three ? "clone3" : "clone", child);
    }

    child = make(0, CLONE_FS);
    if (child == 0)
        _exit(0);
    printf("clone with CLONE_FS: %s\n", child < 0 ? strerrorname_np(errno) : "made");
    if (child > 0)
        waitpid((pid_t)child, NULL, 0);
    pid_t spawned;
    printf("posix_spawn: ");
    fflush(stdout);
    if (posix_spawn(&spawned, self, NULL, NULL, print, environ) == 0)
        waitpid(spawned, NULL, 0);
    snprintf(command, sizeof command, "exec %s uts '%s'", self, own_uts);
    printf("system: ");
    fflush(stdout);
    if (system(command) != 0)
        puts("not run");
    char link[LINK];
    pthread_t thread;
    pthread_create(&thread, NULL, in_thread, link);
    pthread_join(thread, NULL);
    printf("thread: %s\n", strcmp(link, own_uts) == 0 ? "old" : "new");
}

int main(int argc, char **argv)
{
    const char *question = argc > 1 ? argv[1] : "";
    unsigned long flags = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
    note = mmap(NULL, sizeof *note, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uts_of("/proc/self/ns/uts", own_uts);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(question, "strip") == 0)
        strip(flags);
    else if (strcmp(question, "require") == 0)
        require(argv[0]);
    else if (strcmp(question, "uts") == 0)
        puts(strcmp(argv[2], own_uts) == 0 ? "old" : "new");
    else if (strcmp(question, "unshare") == 0) {
        char now[LINK];
        int result = unshare((int)flags);
        uts_of("/proc/self/ns/uts", now);
        printf("unshare %s, uts %s\n", result == 0 ? "done" : strerrorname_np(errno),
               strcmp(now, own_uts) == 0 ? "old" : "new");
    }

    return 0;
}
