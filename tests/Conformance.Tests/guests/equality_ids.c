/* Whose child a task is, how it is named, and what tells of its end. */
#include "equality.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/pidfd.h>

enum { STACK = 65536 };

struct note {
    int pid, tid, parent, before, said, over;
};

static struct note *note;
static char stack[STACK] __attribute__((aligned(64)));
static siginfo_t told;
static volatile sig_atomic_t times;

static long make(unsigned long flags, int *parent_tid, int *child_tid)
{
    return syscall(SYS_clone, flags, 0, parent_tid, child_tid, 0);
}

static void say(void)
{
    note->pid = getpid();
    note->tid = (int)syscall(SYS_gettid);
    note->parent = getppid();
    __atomic_store_n(&note->said, 1, __ATOMIC_SEQ_CST);
}

/* What came back, what the child says of itself, and who its parent is. */
static void family(const char *name, long made, int parent)
{
    int heard = becomes(&note->said, 1);
    printf("%s: heard %d pid %d tid %d parent %d\n", name, heard, note->pid == made,
           note->tid == made, note->parent == parent);
    memset(note, 0, sizeof *note);
}

static void *clone_parent(void *arg)
{
    long made = make(CLONE_PARENT, NULL, NULL);
    if (made == 0) {
        say();
        _exit(31);
    }

    family("CLONE_PARENT in a thread", made, getppid());
    return arg;
}

/* getppid(2) of children of processes, threads, vforks, and of callers with CLONE_PARENT. */
static void parents(void)
{
    pid_t me = getpid();
    long made = make(SIGCHLD, NULL, NULL);
    if (made == 0) {
        say();
        _exit(1);
    }

    family("clone", made, me);
    printf("ends %d\n", status_of((pid_t)made, 0));
    if ((made = vfork()) == 0) {
        say();
        _exit(2);
    }

    family("vfork", made, me);
    printf("ends %d\n", status_of((pid_t)made, 0));
    fflush(stdout);
    pid_t middle = fork();
    if (middle == 0) {
        pthread_t thread;
        long again = make(CLONE_PARENT, NULL, NULL);
        if (again == 0) {
            say();
            _exit(30);
        }

        family("CLONE_PARENT", again, me);
        pthread_create(&thread, NULL, clone_parent, NULL);
        pthread_join(thread, NULL);

        /* A child of the caller's sibling is the caller's sibling's, not the caller's. */
        again = make(CLONE_PARENT | SIGUSR1, NULL, NULL);
        if (again == 0) {
            long deep = make(SIGCHLD, NULL, NULL);
            if (deep == 0) {
                say();
                _exit(9);
            }

            family("a child of such a one", deep, getpid());
            _exit(status_of((pid_t)deep, 0) + 20);
        }

        rest(50000);
        printf("not mine: %d\n", status_of((pid_t)again, __WALL));
        fflush(stdout);
        _exit(3);
    }

    int sum = 0, count = 0, status;
    while ((status = status_of(-1, __WALL)) >= 0) {
        sum += status;
        count++;
    }

    printf("my children: %d, sum %d, then %s\n", count, sum, strerrorname_np(-status));
}

static int ended(void *arg)
{
    rest(20000);
    return (int)(long)arg;
}

/* The words that the kernel writes: which hold the id, when, and which are cleared and woken. */
static void pointers(void)
{
    static int words[3];
    for (unsigned i = 0; i < 8; i++) {
        unsigned long flags = SIGCHLD | (i & 1 ? CLONE_PARENT_SETTID : 0)
                            | (i & 2 ? CLONE_CHILD_SETTID : 0) | (i & 4 ? CLONE_CHILD_CLEARTID : 0);
        words[0] = words[1] = -7;
        long made = make(flags, &words[0], &words[1]);
        if (made == 0)
            _exit((words[0] == getpid()) + 2 * (words[1] == getpid()) + 4 * (words[0] == -7)
                  + 8 * (words[1] == -7));
        printf("%u: parent %d %d, child %d\n", i, words[0] == made, words[1] == -7,
               status_of((pid_t)made, 0));
    }

    for (unsigned i = 0; i < 8; i++) {
        unsigned long flags = SIGCHLD | CLONE_VM | (i & 1 ? CLONE_PARENT_SETTID : 0)
                            | (i & 2 ? CLONE_CHILD_SETTID : 0) | (i & 4 ? CLONE_CHILD_CLEARTID : 0);
        words[0] = words[1] = -7;
        int made = clone(ended, stack + STACK, (int)flags, (void *)7L, &words[0], NULL, &words[1]);
        int woken = 1;
        for (int tries = 0; i & 4 && tries < 2 && words[1] != 0; tries++) {
            struct timespec most = {10, 0};
            woken = syscall(SYS_futex, &words[1], FUTEX_WAIT, words[1], &most) == 0
                 || errno == EAGAIN;
        }

        int status = status_of(made, __WALL);
        printf("shared %u: ends %d, parent %d, child %s, woken %d\n", i, status, words[0] == made,
               words[1] == made ? "tid" : words[1] == 0 ? "cleared" : "-", woken);
    }

    /* An address that is not there is no error: the kernel writes what it can. */
    long made = make(SIGCHLD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
                     (int *)8, (int *)16);
    if (made == 0)
        _exit(6);
    printf("bad addresses: %s %d\n", name_of(made), status_of((pid_t)made, 0));
}

static void on_end(int sig, siginfo_t *info, void *context)
{
    told = *info;
    times++;
}

/* What the exit signal tells, for each kind of signal and of end. */
static void signals(void)
{
    static const int all[] = {0, SIGCHLD, SIGUSR1, SIGURG, 40, SIGCONT};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        struct sigaction action = {.sa_sigaction = on_end, .sa_flags = SA_SIGINFO | SA_RESTART};
        if (all[i] != 0)
            sigaction(all[i], &action, NULL);
        for (int how = 0; how < 3; how++) {
            memset(&told, 0, sizeof told);
            times = 0;
            long made = make((unsigned long)all[i], NULL, NULL);
            if (made == 0) {
                becomes(&note->over, how + 1);
                if (how == 1)
                    kill(getpid(), SIGKILL);
                if (how == 2)
                    kill(getpid(), SIGTERM);
                _exit(33);
            }

            int plain = status_of((pid_t)made, WNOHANG) == -ECHILD;
            int cloned = status_of((pid_t)made, __WCLONE | WNOHANG) == -ECHILD;
            printf("signal %d: plain %d clone %d", all[i], plain, cloned);
            __atomic_store_n(&note->over, how + 1, __ATOMIC_SEQ_CST);
            printf(" status %d", status_of((pid_t)made, __WALL));
            printf(" told %d %d code %d pid %d status %d uid %d\n", (int)times, told.si_signo,
                   told.si_code, told.si_pid == made, told.si_status, told.si_uid == getuid());
        }
    }
}

static int state(int fd)
{
    struct pollfd one = {fd, POLLIN, 0};
    int ready = poll(&one, 1, 0);
    return ready < 0 ? -errno : ready == 0 ? 0 : one.revents;
}

static int ends(int fd)
{
    struct pollfd one = {fd, POLLIN, 0};
    return poll(&one, 1, PATIENCE) == 1;
}

static int pid_in_fdinfo(int fd)
{
    char path[64], line[128];
    int pid = 0;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        sscanf(line, "Pid: %d", &pid);
    if (file != NULL)
        fclose(file);
    return pid;
}

static void pidfds(void)
{
    for (int three = 0; three < 2; three++) {
        int fd = -1;
        struct clone_args args = {
            .flags = CLONE_PIDFD, .pidfd = (uint64_t)&fd, .exit_signal = SIGCHLD};
        long made = three ? syscall(SYS_clone3, &args, sizeof args)
                          : make(SIGCHLD | CLONE_PIDFD, &fd, NULL);
        if (made == 0) {
            note->pid = 1 + (fd == -1) + 2 * (fcntl(3, F_GETFD) >= 0);
            __atomic_store_n(&note->said, 1, __ATOMIC_SEQ_CST);
            for (;;)
                pause();
        }

        siginfo_t info = {0};
        int said = becomes(&note->said, 1);
        printf("child: %d, sees %d\n", said, note->pid);
        note->said = 0;
        printf("pidfd: number %d flags %d access %d pid %d\n", fd, fcntl(fd, F_GETFD),
               fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), pid_in_fdinfo(fd) == made);
        printf("alive: poll %d,", state(fd));
        long result = waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG);
        printf(" waitid %s pid %d\n", name_of(result), info.si_pid);
        printf("signal: %s\n", name_of(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0)));
        printf("ended: poll %d,", ends(fd));
        result = waitid(P_PIDFD, (id_t)fd, &info, WEXITED);
        printf(" waitid %s pid %d code %d status %d\n", name_of(result), info.si_pid == made,
               info.si_code, info.si_status);
        result = syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0);
        printf("reaped: signal %s, pid %d\n", name_of(result), pid_in_fdinfo(fd));
        close(fd);
    }

    /* Nonblocking waits say "not yet"; an opened pidfd is as good as a made one. */
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    int fd = pidfd_open(child, O_NONBLOCK);
    siginfo_t info = {0};
    printf("nonblocking: %s\n", name_of(waitid(P_PIDFD, (id_t)fd, &info, WEXITED)));
    kill(child, SIGKILL);
    printf("ends %d %d\n", ends(fd), status_of(child, 0));
}

/* A pidfd of a thread, where the kernel has them (6.9): ready when the thread ends. */
static void thread_pidfds(void)
{
    for (int three = 0; three < 2; three++) {
        static int fd, gate, word, parent;
        unsigned long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
                            | CLONE_PIDFD | CLONE_CHILD_CLEARTID;
        fd = word = parent = -1;
        gate = 0;
        struct clone_args args = {
            .flags = flags, .pidfd = (uint64_t)&fd, .child_tid = (uint64_t)&word,
            .stack = (uint64_t)stack, .stack_size = STACK};
        register long r10 __asm__("r10") = (long)&word;
        register long r8 __asm__("r8") = 0;
        register int *held __asm__("r12") = &gate;
        long made = three ? SYS_clone3 : SYS_clone;
        long a = three ? (long)&args : (long)flags;
        long b = three ? (long)sizeof args : (long)(stack + STACK);

        /* The thread uses neither stack nor thread area: it spins until the gate opens. */
        __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 2f\n"
                         "1:\tpause\n\tcmpl $0, (%%r12)\n\tje 1b\n\tmov $60, %%eax\n\t"
                         "xor %%edi, %%edi\n\tsyscall\n2:"
                         : "+a"(made)
                         : "D"(a), "S"(b), "d"(&fd), "r"(r10), "r"(r8), "r"(held)
                         : "rcx", "r11", "memory");
        if (made < 0) {
            printf("thread's pidfd: %s\n", strerrorname_np((int)-made));
            continue;
        }

        printf("thread's pidfd: %d flags %d thread %d, poll %d\n", fd, fcntl(fd, F_GETFD),
               (fcntl(fd, F_GETFL) & O_EXCL) != 0, state(fd));
        printf("leader's pidfd of it: %s\n", name_of(pidfd_open((pid_t)made, 0)));
        printf("signal: %s\n", name_of(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0)));
        __atomic_store_n(&gate, 1, __ATOMIC_SEQ_CST);
        printf("ended %d, cleared %d\n", ends(fd), becomes(&word, 0));
        siginfo_t info = {0};
        printf("waitid %s\n", name_of(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG)));
        close(fd);
    }
}

int main(int argc, char **argv)
{
    static const struct question all[] = {
        {"parents", parents}, {"pointers", pointers}, {"signals", signals}, {"pidfds", pidfds},
        {"thread_pidfds", thread_pidfds}};
    note = shared(sizeof *note);
    return answer(argc, argv, all, sizeof all / sizeof *all);
}
