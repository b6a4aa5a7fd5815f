/*
 * Calls that wait, while signals come: ignored ones, caught ones with SA_RESTART and without.
 * Which calls end early, which are begun again, and that a time-out comes in spite of a storm.
 */
#include "equality.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <ucontext.h>

enum { PERIOD = 7000, LIMIT_S = 10 };

static volatile sig_atomic_t caught;
static int never[2], timed[2], full[2], poller, watcher, set, queue, event, listener, crowded;
static int lock_fd;
static pid_t sleeper;

/* How long calls wait, and after how many signals those that have no time-out are ended. */
static long wait_ms = 60, enough = 10;
static struct timespec time_out;

static void on_signal(int sig)
{
    caught++;
}

static long wait_epoll(void)
{
    struct epoll_event one;
    return epoll_wait(poller, &one, 1, (int)wait_ms);
}

static long wait_epoll2(void)
{
    struct epoll_event one;
    return syscall(SYS_epoll_pwait2, poller, &one, 1, &time_out, NULL, 0);
}

static long wait_semaphore(void)
{
    struct sembuf down = {.sem_num = 0, .sem_op = -1};
    return semtimedop(set, &down, 1, &time_out);
}

static long wait_signal(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR2);
    return sigtimedwait(&signals, NULL, &time_out);
}

static long wait_receive(void)
{
    char byte;
    return recv(timed[0], &byte, 1, 0);
}

static long wait_read_socket(void)
{
    char byte;
    return read(timed[0], &byte, 1);
}

static long wait_message(void)
{
    char byte;
    struct iovec one = {&byte, 1};
    struct msghdr message = {.msg_iov = &one, .msg_iovlen = 1};
    return recvmsg(timed[0], &message, 0);
}

static long wait_send(void)
{
    return send(full[0], "x", 1, 0);
}

static long wait_write_socket(void)
{
    return write(full[0], "x", 1);
}

static long wait_accept(void)
{
    return accept(listener, NULL, NULL);
}

/* The listener's queue is full. */
static long wait_connect(void)
{
    struct sockaddr_un name;
    socklen_t length = sizeof name;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct timeval time = {wait_ms / 1000, wait_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    getsockname(crowded, (struct sockaddr *)&name, &length);
    long result = connect(fd, (struct sockaddr *)&name, length);
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

static long wait_poll(void)
{
    struct pollfd one = {never[0], POLLIN, 0};
    return poll(&one, 1, (int)wait_ms);
}

static long wait_ppoll(void)
{
    struct pollfd one = {never[0], POLLIN, 0};
    return ppoll(&one, 1, &time_out, NULL);
}

static long wait_select(void)
{
    fd_set in;
    struct timeval time = {wait_ms / 1000, wait_ms % 1000 * 1000};
    FD_ZERO(&in);
    FD_SET(never[0], &in);
    return select(never[0] + 1, &in, NULL, NULL, &time);
}

static long wait_sleep(void)
{
    return nanosleep(&time_out, NULL);
}

static long wait_clock(void)
{
    int error = clock_nanosleep(CLOCK_MONOTONIC, 0, &time_out, NULL);
    errno = error;
    return error ? -1 : 0;
}

static long wait_futex(void)
{
    int word = 1;
    return syscall(SYS_futex, &word, FUTEX_WAIT, 1, &time_out, NULL, 0);
}

static long wait_queue(void)
{
    char text[8];
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += time_out.tv_nsec;
    until.tv_sec += time_out.tv_sec + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return mq_timedreceive(queue, text, sizeof text, NULL, &until);
}

/* These have no time-out: the process that sends the signals ends their wait. */
static long wait_child(void)
{
    return waitpid(sleeper, NULL, 0) == sleeper ? 0 : -1;
}

static long wait_child_id(void)
{
    siginfo_t info;
    return waitid(P_PID, (id_t)sleeper, &info, WEXITED);
}

static long wait_pipe(void)
{
    char byte;
    return read(never[0], &byte, 1);
}

static long wait_event(void)
{
    uint64_t value;
    return read(event, &value, sizeof value) == sizeof value ? 1 : -1;
}

static long wait_inotify(void)
{
    char text[4096];
    return read(watcher, text, sizeof text) > 0 ? 1 : -1;
}

static long wait_lock(void)
{
    long result = flock(lock_fd, LOCK_EX);
    flock(lock_fd, LOCK_UN);
    return result;
}

static long wait_open(void)
{
    int fd = open("fifo", O_RDONLY);
    return fd < 0 ? -1 : close(fd);
}

struct wait_call {
    const char *name;
    long (*run)(void);
    int free_of_time, socket;
};

static const struct wait_call calls[] = {
    {"epoll_wait", wait_epoll, 0}, {"epoll_pwait2", wait_epoll2, 0},
    {"semtimedop", wait_semaphore, 0}, {"sigtimedwait", wait_signal, 0},
    {"recv", wait_receive, 0, 1}, {"read of a socket", wait_read_socket, 0, 1},
    {"recvmsg", wait_message, 0, 1}, {"send", wait_send, 0, 1},
    {"write to a socket", wait_write_socket, 0, 1}, {"accept", wait_accept, 0, 1},
    {"connect", wait_connect, 0, 1}, {"poll", wait_poll, 0}, {"ppoll", wait_ppoll, 0},
    {"select", wait_select, 0}, {"nanosleep", wait_sleep, 0}, {"clock_nanosleep", wait_clock, 0},
    {"futex", wait_futex, 0}, {"mq_timedreceive", wait_queue, 0}, {"waitpid", wait_child, 1},
    {"waitid", wait_child_id, 1}, {"read of a pipe", wait_pipe, 1},
    {"read of an eventfd", wait_event, 1}, {"inotify", wait_inotify, 1}, {"flock", wait_lock, 1},
    {"open of a fifo", wait_open, 1}};

static void limit(int fd)
{
    struct timeval time = {wait_ms / 1000, wait_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

/* A Unix socket with a name of the kernel's choice, where so many may wait. */
static int listen_for(int most)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(fd, (struct sockaddr *)&name, sizeof(sa_family_t));
    listen(fd, most);
    return fd;
}

/* Fills what takes no more: a socket that nobody reads, a queue that nobody takes from. */
static void fill(void)
{
    static const char text[4096];
    struct sockaddr_un name;
    socklen_t length = sizeof name;
    fcntl(full[0], F_SETFL, O_NONBLOCK);
    while (write(full[0], text, sizeof text) > 0 || write(full[0], text, 1) > 0)
        ;
    fcntl(full[0], F_SETFL, 0);
    getsockname(crowded, (struct sockaddr *)&name, &length);
    for (int i = 0; i < 4; i++)
        connect(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *)&name, length);
}

static void prepare(void)
{
    struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 8};
    char queue_name[32];
    struct epoll_event one = {.events = EPOLLIN};
    time_out = (struct timespec){wait_ms / 1000, wait_ms % 1000 * 1000000};
    socketpair(AF_UNIX, SOCK_STREAM, 0, timed);
    socketpair(AF_UNIX, SOCK_STREAM, 0, full);
    limit(timed[0]);
    limit(full[0]);
    listener = listen_for(1);
    limit(listener);
    crowded = listen_for(1);
    fill();
    poller = epoll_create1(0);
    set = semget(IPC_PRIVATE, 1, 0600);
    event = eventfd(0, 0);
    if (pipe(never) || mkfifo("fifo", 0600))
        exit(1);
    epoll_ctl(poller, EPOLL_CTL_ADD, never[0], &one);
    snprintf(queue_name, sizeof queue_name, "/equality-%d", getpid());
    queue = mq_open(queue_name, O_RDWR | O_CREAT, 0600, &small);
    mq_unlink(queue_name);
    watcher = inotify_init1(0);
    inotify_add_watch(watcher, ".", IN_CREATE);
    lock_fd = open("lock", O_RDWR | O_CREAT, 0600);
}

/*
 * Sends signals until killed; at the end of a while it ends the waits that have no time-out. A fifo
 * is opened again and again, each time long after a signal: an open that a signal has ended, and
 * that is about to begin again, meets nobody.
 */
static pid_t storm(pid_t target, int sig, int free_of_time)
{
    int other = open("lock", O_RDWR);
    flock(other, LOCK_EX);
    pid_t pid = fork();
    if (pid == 0) {
        for (int sent = 0; sent < LIMIT_S * 1000000 / PERIOD; sent++) {
            rest(PERIOD);
            if (free_of_time && sent > enough)
                close(open("fifo", O_WRONLY | O_NONBLOCK));
            kill(target, sig);
            if (free_of_time && sent == enough) {
                uint64_t one_more = 1;
                if (write(never[1], "x", 1) != 1 || write(event, &one_more, 8) != 8)
                    _exit(1);
                close(open("made", O_WRONLY | O_CREAT, 0600));
                kill(sleeper, SIGKILL);
                flock(other, LOCK_UN);
            }
        }

        _exit(0);
    }

    close(other);
    return pid;
}

static void drain(void)
{
    char text[4096];
    uint64_t value;
    unlink("made");
    fcntl(never[0], F_SETFL, O_NONBLOCK);
    fcntl(event, F_SETFL, O_NONBLOCK);
    fcntl(watcher, F_SETFL, O_NONBLOCK);
    while (read(never[0], text, 1) > 0 || read(event, &value, 8) > 0
           || read(watcher, text, sizeof text) > 0)
        ;
    fcntl(never[0], F_SETFL, 0);
    fcntl(event, F_SETFL, 0);
    fcntl(watcher, F_SETFL, 0);
}

static void tidy(void)
{
    semctl(set, 0, IPC_RMID);
    drain();
    unlink("fifo");
    unlink("lock");
}

/*
 * Every call once under a storm of one signal. A SIGCONT wakes a traced task even where it is
 * blocked, and the sandbox does not know the time-out of a socket, so there it is put off: README.
 */
static void ask(const char *name, int sig, int sockets)
{
    prepare();
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct timespec from, to;
        if (calls[i].socket && !sockets)
            continue;
        drain();
        sleeper = fork();
        if (sleeper == 0)
            for (;;)
                pause();
        caught = 0;
        pid_t sender = storm(getpid(), sig, calls[i].free_of_time);
        clock_gettime(CLOCK_MONOTONIC, &from);
        long result = calls[i].run();
        int error = errno;
        clock_gettime(CLOCK_MONOTONIC, &to);
        kill(sender, SIGKILL);
        kill(sleeper, SIGKILL);
        while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
            ;
        printf("%s %s: %ld %s, %s\n", name, calls[i].name, result,
               result < 0 ? strerrorname_np(error) : "",
               to.tv_sec - from.tv_sec < LIMIT_S - 2 ? "in time" : "late");
        fflush(stdout);
    }

    tidy();
}

static void ignored(void)
{
    ask("ignored by default", SIGWINCH, 1);
}

static void set_to_ignore(void)
{
    signal(SIGUSR1, SIG_IGN);
    ask("ignored", SIGUSR1, 1);
}

static void continued(void)
{
    sigset_t signals;
    ask("ignored", SIGCONT, 0);
    sigemptyset(&signals);
    sigaddset(&signals, SIGCONT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    ask("blocked", SIGCONT, 0);
}

static sigset_t in_handler;

static void on_signal_with_context(int sig, siginfo_t *info, void *context)
{
    in_handler = ((ucontext_t *)context)->uc_sigmask;
    caught++;
}

static unsigned long word_of(const sigset_t *signals)
{
    unsigned long word;
    memcpy(&word, signals, sizeof word);
    return word;
}

/* What a task blocks is its own, in a storm of signals that it ignores and after it. */
static void masks(void)
{
    struct sigaction action = {.sa_sigaction = on_signal_with_context, .sa_flags = SA_SIGINFO};
    sigset_t mine, after;
    char byte;
    prepare();
    sigaction(SIGUSR1, &action, NULL);
    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&mine);
    sigaddset(&mine, SIGHUP);
    sigprocmask(SIG_SETMASK, &mine, NULL);
    for (int both = 0; both < 2; both++) {
        wait_ms = both ? 5000 : 60;
        limit(timed[0]);
        caught = 0;
        pid_t sender = storm(getpid(), SIGUSR2, 0), other = storm(getpid(), SIGWINCH, 0);
        pid_t last = fork();
        if (last == 0) {
            rest(20 * PERIOD);
            if (both)
                kill(getppid(), SIGUSR1);
            _exit(0);
        }

        long result = recv(timed[0], &byte, 1, 0);
        int error = errno;
        sigprocmask(SIG_SETMASK, NULL, &after);
        kill(sender, SIGKILL);
        kill(other, SIGKILL);
        waitpid(last, NULL, 0);
        printf("recv %ld %s, caught %d, in the handler %lx, after %lx\n", result,
               strerrorname_np(error), (int)caught, word_of(&in_handler), word_of(&after));
        while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
            ;
    }

    tidy();
}

static void blocked(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    ask("blocked", SIGUSR1, 1);
}

/* These end early: what would end them otherwise is far away. */
static void handled(void)
{
    wait_ms = 3000;
    enough = 1000;
    handle(SIGUSR1, on_signal, 0);
    ask("caught", SIGUSR1, 1);
}

static void restarted(void)
{
    wait_ms = 3000;
    handle(SIGUSR1, on_signal, SA_RESTART);
    ask("caught with SA_RESTART", SIGUSR1, 1);
}

int main(int argc, char **argv)
{
    static const struct question all[] = {
        {"ignored", ignored}, {"set_to_ignore", set_to_ignore}, {"blocked", blocked},
        {"continued", continued}, {"masks", masks},
        {"handled", handled}, {"restarted", restarted}};
    return answer(argc, argv, all, sizeof all / sizeof *all);
}
