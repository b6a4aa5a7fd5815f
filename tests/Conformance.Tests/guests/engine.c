/* What a guest can see of a creation, one question each; the answers are fixed lines. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t caught;
static int tid_word = -1, pidfd_word = -1;

static void on_signal(int sig)
{
    caught = sig;
}

static void catch_signal(int sig, int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    sigaction(sig, &action, NULL);
}

static int status_of(pid_t pid, int options)
{
    int status = -1;
    if (waitpid(pid, &status, options) < 0)
        return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status)
                             : WIFSTOPPED(status) ? 1000 + WSTOPSIG(status)
                             : WIFCONTINUED(status) ? 2000 : 3000 + WTERMSIG(status);
}

/* Calls with every register that the ABI keeps set, and counts those that changed. */
static void registers(void)
{
    struct clone_args args = {.exit_signal = SIGCHLD};
    const struct { long nr; long a[6]; } calls[] = {
        {SYS_fork, {11, 12, 13, 14, 15, 16}},
        {SYS_clone, {SIGCHLD | CLONE_UNTRACED, 0, 23, 24, 0, 26}},
        {SYS_clone3, {(long)&args, sizeof args, 33, 34, 35, 36}},
    };
    for (int i = 0; i < 3; i++) {
        const long *a = calls[i].a;
        long ret = calls[i].nr, di = a[0], si = a[1], dx = a[2];
        register long r10 __asm__("r10") = a[3];
        register long r8 __asm__("r8") = a[4];
        register long r9 __asm__("r9") = a[5];
        register long r12 __asm__("r12") = 112;
        register long r13 __asm__("r13") = 113;
        register long r14 __asm__("r14") = 114;
        register long r15 __asm__("r15") = 115;
        __asm__ volatile("syscall"
                         : "+a"(ret), "+D"(di), "+S"(si), "+d"(dx), "+r"(r10), "+r"(r8), "+r"(r9),
                           "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15)
                         :
                         : "rcx", "r11", "memory");
        int bad = (di != a[0]) + (si != a[1]) + (dx != a[2]) + (r10 != a[3]) + (r8 != a[4]) +
                  (r9 != a[5]) + (r12 != 112) + (r13 != 113) + (r14 != 114) + (r15 != 115);
        if (ret == 0)
            _exit(bad);
        printf("call %d: parent %d child %d\n", i, bad, status_of((pid_t)ret, 0));
        fflush(stdout);
    }
}

static void family(void)
{
    pid_t me = getpid();
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, 0, 0,
                               &tid_word, 0);
    if (pid == 0)
        _exit((getppid() == me) + 2 * (tid_word == getpid()));
    printf("child %d\n", status_of(pid, 0));
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        pid_t sibling = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_PARENT, 0, 0, 0, 0);
        if (sibling == 0)
            _exit(getppid() == me ? 5 : 6);
        _exit(7);
    }

    int sum = status_of(-1, 0) + status_of(-1, 0);
    printf("siblings %d\n", sum);
    fflush(stdout);
    pid = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_PIDFD, 0, &pidfd_word, 0, 0);
    if (pid == 0)
        _exit(9);
    siginfo_t info = {0};
    waitid(P_PIDFD, pidfd_word, &info, WEXITED);
    printf("pidfd %d %d\n", info.si_status, info.si_pid == pid);
    fflush(stdout);
    catch_signal(SIGUSR1, 0);
    pid = (pid_t)syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    int plain = status_of(pid, 0), cloned = status_of(pid, __WCLONE);
    printf("SIGUSR1 %d plain %d clone %d\n", caught == SIGUSR1, plain, cloned);
}

static void *nothing(void *arg)
{
    usleep(200000);
    return arg;
}

static void stops(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, nothing, NULL);
        raise(SIGSTOP);
        pthread_join(thread, NULL);
        _exit(8);
    }

    printf("stopped %d\n", status_of(pid, WUNTRACED));
    kill(pid, SIGCONT);
    printf("continued %d\n", status_of(pid, WCONTINUED));
    printf("ended %d\n", status_of(pid, 0));
}

static void later(int sig, int target)
{
    if (fork() == 0) {
        usleep(50000);
        kill(target, sig);
        usleep(50000);
        _exit(0);
    }
}

/* Waits that are not restarted, while a signal comes that is ignored, then one that is not. */
static void waits(void)
{
    static const int signals[] = {SIGWINCH, SIGURG, SIGALRM};
    int poll = epoll_create1(0), sem = semget(IPC_PRIVATE, 1, 0600), pair[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    struct timeval limit = {0, 300000};
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    catch_signal(SIGALRM, SA_RESTART);
    for (int i = 0; i < 3; i++) {
        char byte;
        struct epoll_event event;
        struct sembuf down = {.sem_num = 0, .sem_op = -1};
        struct timespec time = {0, 300000000};
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        later(signals[i], getpid());
        int ret = epoll_wait(poll, &event, 1, 300);
        printf("epoll %d %d\n", ret, ret < 0 ? errno : 0);
        later(signals[i], getpid());
        ret = semtimedop(sem, &down, 1, &time);
        printf("semtimedop %d %d\n", ret, ret < 0 ? errno : 0);
        later(signals[i], getpid());
        ret = sigtimedwait(&set, NULL, &time);
        printf("sigtimedwait %d %d\n", ret, ret < 0 ? errno : 0);
        later(signals[i], getpid());
        ret = (int)recv(pair[0], &byte, 1, 0);
        printf("recv %d %d\n", ret, ret < 0 ? errno : 0);
        fflush(stdout);
    }

    semctl(sem, 0, IPC_RMID);
}

static void *exec_it(void *arg)
{
    execl("/bin/sh", "sh", "-c", "echo from a thread; exit 6", NULL);
    return arg;
}

static void thread_exec(void)
{
    pthread_t threads[5];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, nothing, NULL);
    pthread_create(&threads[4], NULL, exec_it, NULL);
    pause();
}

static void *fork_later(void *arg)
{
    usleep(50000);
    pid_t pid = fork();
    if (pid == 0)
        _exit(4);
    printf("from behind a zombie leader %d\n", status_of(pid, 0));
    exit(5);
    return arg;
}

static void zombie_leader(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, fork_later, NULL);
    pthread_exit(NULL);
}

static void *make_threads(void *arg)
{
    pthread_t thread;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (;;)
        if (pthread_create(&thread, &detached, (void *(*)(void *))usleep, (void *)100))
            usleep(100);
    return arg;
}

static void group_exit(void)
{
    pthread_t thread;
    for (int i = 0; i < 3; i++)
        pthread_create(&thread, NULL, make_threads, NULL);
    usleep(30000);
    exit(3);
}

static void limits(void)
{
    struct rlimit limit = {1, 1};
    if (getuid() == 0 && setuid(65533))
        return;
    setrlimit(RLIMIT_NPROC, &limit);
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        printf("fork %d %s\n", pid < 0, pid < 0 ? strerror(errno) : "");
    }
}

static void death(void)
{
    int pipes[2];
    if (pipe(pipes))
        return;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGUSR2);
            signal(SIGUSR2, SIG_IGN);
            catch_signal(SIGUSR2, 0);
            if (write(pipes[1], "x", 1) != 1)
                _exit(1);
            while (!caught)
                usleep(1000);
            _exit(12);
        }

        char byte;
        if (read(pipes[0], &byte, 1) != 1)
            _exit(1);
        _exit(11);
    }

    printf("parent %d\n", status_of(pid, 0));
    printf("adopted %d\n", status_of(-1, 0));
}

/* What only the sandbox answers so. */
static void sandboxed(void)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};
    long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                      &program);
    printf("listener %s\n", fd < 0 ? strerrorname_np(errno) : "granted");
    printf("x32 %s\n", syscall(0x40000000 + 57) < 0 ? strerrorname_np(errno) : "ran");
    printf("io_uring %s\n",
           syscall(SYS_io_uring_setup, 1, NULL) < 0 ? strerrorname_np(errno) : "ran");
    printf("TIOCSTI %s\n", ioctl(0, TIOCSTI, "x") < 0 ? strerrorname_np(errno) : "ran");
    printf("no_new_privs %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    struct clone_args args = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
    printf("clear %s\n",
           syscall(SYS_clone3, &args, sizeof args) < 0 ? strerrorname_np(errno) : "ran");
    struct sock_filter deny[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 77), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog own = {4, deny};
    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &own);
    long parent = syscall(SYS_getppid);
    printf("own filter %ld %d\n", parent, errno);
    pid_t pid = fork();
    if (pid == 0) {
        long ret = 2; /* i386's fork */
        __asm__ volatile("int $0x80" : "+a"(ret));
        _exit(ret < 0 ? 1 : 2);
    }

    printf("int 0x80 %d\n", status_of(pid, 0));
}

/* Whether the host has this way into the kernel at all: some hypervisors fault it. */
static void int80(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        long ret = 20; /* i386's getpid */
        __asm__ volatile("int $0x80" : "+a"(ret));
        _exit(ret > 0 ? 0 : 1);
    }

    printf("int 0x80 %d\n", status_of(pid, 0));
}

int main(int argc, char **argv)
{
    static const struct { const char *name; void (*run)(void); } all[] = {
        {"registers", registers}, {"family", family}, {"stops", stops}, {"waits", waits},
        {"thread_exec", thread_exec}, {"zombie_leader", zombie_leader}, {"group_exit", group_exit},
        {"limits", limits}, {"death", death}, {"sandboxed", sandboxed}, {"int80", int80}};
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned i = 0; argc > 1 && i < sizeof all / sizeof *all; i++)
        if (!strcmp(argv[1], all[i].name))
            all[i].run();
    return 0;
}
