/*
 * Makes calls that create tasks or namespaces, in a caller state of choice, and says what the
 * kernel answered. Records come on standard input, one errno each goes to standard output.
 *
 * A child runs nothing but exit(2), and never touches its stack, so any stack and any sharing
 * will do. Calls that change the caller itself (unshare, setns) are made by a child of their own.
 */
#define _GNU_SOURCE
#include "prober.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define ADDRESS_UNMAPPED 0x10000UL
#define ADDRESS_KERNEL 0xffff800000000000UL
#define BATCH 512
#define CLOSED 9999           /* no descriptor */

static char *area;          /* three pages: writable, read-only, unmapped */
static int directory_fd, cgroup_fd = -1, removed_cgroup_fd = -1, dead_pidfd = -1, pipe_fd;
static int proc_fd, pid_limit;

static void die(const char *what)
{
    fprintf(stderr, "prober: %s: %s\n", what, strerror(errno));
    _exit(3);
}

/* The call; a child ends at once without using its stack. */
static long create(long nr, long a, long b, long c, long d, long e)
{
    long ret;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "mov $60, %%eax\n\t"
                     "xor %%edi, %%edi\n\t"
                     "syscall\n\t"
                     "1:"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return ret;
}

static unsigned long pointer(uint8_t kind, unsigned slot)
{
    switch (kind) {
    case P_VALID: return (unsigned long)area + 64 * (slot + 1);
    case P_UNALIGNED: return (unsigned long)area + 64 * (slot + 1) + 1;
    case P_UNMAPPED: return ADDRESS_UNMAPPED;
    case P_READ_ONLY: return (unsigned long)area + PAGE + 64 * slot;
    case P_KERNEL: return ADDRESS_KERNEL;
    default: return 0;
    }
}

static long descriptor(const struct record *r)
{
    switch (r->fd) {
    case D_DIRECTORY: return directory_fd;
    case D_CGROUP: return cgroup_fd < 0 ? CLOSED : cgroup_fd;
    case D_REMOVED_CGROUP: return removed_cgroup_fd < 0 ? CLOSED : removed_cgroup_fd;
    case D_TOO_LARGE: return 0x80000000L;
    case D_PIPE: return pipe_fd;
    case D_PIDFD_DEAD: return dead_pidfd;
    default: return CLOSED;
    }
}

static int free_tid(void)
{
    for (int tid = pid_limit - 2; tid > 300; tid--)
        if (kill(tid, 0) < 0 && errno == ESRCH && syscall(SYS_tgkill, tid, tid, 0) < 0)
            return tid;
    return 0;
}

/* Where clone3's struct stands: it ends with the page before the read-only one, or as asked. */
static unsigned long lay_args(const struct record *r)
{
    struct clone_args args = {
        .flags = r->flags,
        .pidfd = pointer(r->pidfd, 0),
        .child_tid = pointer(r->child_tid, 1),
        .parent_tid = pointer(r->parent_tid, 2),
        .exit_signal = r->exit_signal,
        .stack = r->stack,
        .stack_size = r->stack_size,
        .tls = r->tls,
        .set_tid = pointer(r->tids_pointer, 4),
        .set_tid_size = r->set_tid_size,
        .cgroup = r->flags & CLONE_INTO_CGROUP ? descriptor(r) : 0,
    };
    if (r->tids_pointer == P_VALID) {
        int32_t *tids = (int32_t *)pointer(P_VALID, 4);
        for (unsigned i = 0; i < TIDS; i++)
            tids[i] = r->tids[i] == TID_FREE ? free_tid()
                      : r->tids[i] == TID_TAKEN ? getpid() : r->tids[i];
    }

    if (r->args == P_NULL || r->args == P_UNMAPPED || r->args == P_KERNEL)
        return pointer(r->args, 0);

    /* P_READ_ONLY here: the struct runs into the unmapped page behind the read-only one. */
    static char bytes[2 * PAGE - 1025];
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, &args, sizeof args);
    bytes[sizeof args] = (char)r->tail;
    char *at = r->args == P_READ_ONLY ? area + 2 * PAGE - 40
               : area + 1024 + (r->args == P_UNALIGNED);
    unsigned long room = r->args == P_READ_ONLY ? 40 : 2 * PAGE - 1025;
    mprotect(area + PAGE, PAGE, PROT_READ | PROT_WRITE);
    memcpy(at, bytes, room < sizeof bytes ? room : sizeof bytes);
    mprotect(area + PAGE, PAGE, PROT_READ);
    return (unsigned long)at;
}

static void end_child(long pid, const struct record *r, uint64_t flags)
{
    if (flags & CLONE_THREAD) {
        while (syscall(SYS_tgkill, getpid(), pid, 0) == 0)
            sched_yield();
    } else if (!(flags & CLONE_PARENT)) {
        while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
            ;
    }

    if (flags & CLONE_PIDFD) {
        int fd;
        memcpy(&fd, (void *)(r->entry == CLONE3 ? pointer(r->pidfd, 0) : pointer(r->parent_tid, 2)),
               sizeof fd);
        if (fd > 2)
            close(fd);
    }
}

static int probe_clone(const struct record *r)
{
    uint64_t flags = r->flags;
    long ret;
    switch (r->entry) {
    case FORK:
        flags = 0;
        ret = create(SYS_fork, 0, 0, 0, 0, 0);
        break;
    case VFORK:
        flags = CLONE_VFORK | CLONE_VM;
        ret = create(SYS_vfork, 0, 0, 0, 0, 0);
        break;
    case CLONE:
        flags = (uint32_t)flags & ~0xffUL;
        ret = create(SYS_clone, r->flags, r->stack, pointer(r->parent_tid, 2),
                     pointer(r->child_tid, 1), r->tls);
        break;
    default:
        ret = create(SYS_clone3, lay_args(r), r->size, 0, 0, 0);
        break;
    }

    if (ret > 0)
        end_child(ret, r, flags);
    return ret < 0 ? -ret : 0;
}

static const struct { uint64_t flag; const char *name; } namespaces[] = {
    {CLONE_NEWUSER, "user"}, {CLONE_NEWNS, "mnt"}, {CLONE_NEWUTS, "uts"}, {CLONE_NEWIPC, "ipc"},
    {CLONE_NEWPID, "pid"}, {CLONE_NEWCGROUP, "cgroup"}, {CLONE_NEWNET, "net"},
    {CLONE_NEWTIME, "time"}};

/* A namespace of this process's own; /proc may be of another pid namespace, or out of reach. */
static int open_namespace(uint64_t flag)
{
    char path[64] = "none";
    for (unsigned i = 0; i < sizeof namespaces / sizeof *namespaces; i++)
        if (namespaces[i].flag == flag)
            snprintf(path, sizeof path, "self/ns/%s", namespaces[i].name);
    return openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
}

static int stay(void *unused)
{
    (void)unused;
    for (;;)
        syscall(SYS_pause);
    return 0;
}

/* Gives this process a partner that shares with it, until it ends. */
static pid_t take_partner(uint8_t partner)
{
    static char stack[16384];
    int flags = partner == WITH_THREAD ? CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_FS
                : partner == SHARED_FS ? CLONE_FS
                : partner == SHARED_SIGHAND ? CLONE_SIGHAND | CLONE_VM
                : partner == SHARED_VM ? CLONE_VM : 0;
    if (partner == ALONE)
        return 0;
    pid_t pid = clone(stay, stack + sizeof stack,
                      flags | (partner == WITH_THREAD ? 0 : SIGCHLD), NULL);
    return pid < 0 ? -1 : pid;
}

/* unshare and setns change the caller, so a child makes the call and tells how it ended. */
static int probe_namespaces(const struct record *r)
{
    int answer[2];
    if (pipe2(answer, O_CLOEXEC) < 0)
        die("pipe2");
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        pid_t partner = take_partner(r->partner);
        int result = -1;
        if (partner >= 0) {
            long ret;
            if (r->entry == UNSHARE) {
                ret = syscall(SYS_unshare, r->flags);
            } else {
                int fd = r->fd == D_OWN_NS ? open_namespace(r->ns)
                         : r->fd == D_PIDFD_SELF ? (int)syscall(SYS_pidfd_open, getpid(), 0)
                         : (int)descriptor(r);
                ret = syscall(SYS_setns, (long)fd, r->flags);
            }

            result = ret < 0 ? errno : 0;
        }

        if (write(answer[1], &result, sizeof result) != sizeof result)
            _exit(1);
        if (partner > 0 && r->partner != WITH_THREAD)
            kill(partner, SIGKILL);
        _exit(0);
    }

    int result = -1;
    close(answer[1]);
    if (read(answer[0], &result, sizeof result) != sizeof result)
        result = -1;
    close(answer[0]);
    while (waitpid(child, NULL, __WALL) < 0 && errno == EINTR)
        ;
    return result;
}

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        die(path);
    close(fd);
}

static int sleep_on(void *unused)
{
    return stay(unused);
}

static void drop_privileges(uid_t uid)
{
    if (geteuid() == 0 && (setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
        die("setresuid");
}

static void own_user_namespace(void)
{
    char map[64];
    snprintf(map, sizeof map, "0 %d 1", (int)geteuid());
    char group[64];
    snprintf(group, sizeof group, "0 %d 1", (int)getegid());
    if (unshare(CLONE_NEWUSER))
        die("unshare(CLONE_NEWUSER)");
    write_text("/proc/self/setgroups", "deny");
    write_text("/proc/self/uid_map", map);
    write_text("/proc/self/gid_map", group);
}

/* Goes on as the child of a keeper, which lets what CLONE_PARENT gives it die unseen. */
static void become(int flags)
{
    pid_t child = (pid_t)syscall(SYS_clone, (long)flags | SIGCHLD, 0L, 0L, 0L, 0L);
    if (child < 0)
        die("clone");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        return;
    }

    close(0);
    close(1);
    int status = 0;
    pid_t ended;
    while ((ended = waitpid(-1, &status, __WALL)) != child)
        if (ended < 0 && errno == ECHILD)
            break;
    if (WIFSIGNALED(status))
        fprintf(stderr, "prober: ended by signal %d\n", WTERMSIG(status));
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 4);
}

static void enter(const char *state)
{
    static char stack[65536];
    if (!strcmp(state, "threads")) {
        if (clone(sleep_on, stack + sizeof stack, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, NULL) < 0)
            die("thread");
    } else if (!strcmp(state, "unprivileged")) {
        drop_privileges(65534);
    } else if (!strcmp(state, "userns")) {
        own_user_namespace();
    } else if (!strcmp(state, "init")) {
        become(CLONE_NEWPID);
    } else if (!strcmp(state, "chroot")) {
        if (chroot("/tmp") || chdir("/"))
            die("chroot");
    } else if (!strcmp(state, "nproc")) {
        struct rlimit one = {1, 1};
        setrlimit(RLIMIT_NPROC, &one);
        drop_privileges(61234);
    } else if (!strcmp(state, "pending_dead")) {
        if (unshare(CLONE_NEWPID))
            die("unshare(CLONE_NEWPID)");
        pid_t init = fork();
        if (init == 0)
            _exit(0);
        waitpid(init, NULL, 0);
    } else if (!strcmp(state, "pending")) {
        if (unshare(CLONE_NEWPID))
            die("unshare(CLONE_NEWPID)");
        pid_t init = fork();
        if (init == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            stay(NULL);
        }
    } else if (!strcmp(state, "deep_user")) {
        for (int level = 0; level < 33; level++)
            own_user_namespace();
    } else if (!strcmp(state, "deep_pid")) {
        for (int level = 0; level < 32; level++)
            become(CLONE_NEWPID);
    } else if (!strcmp(state, "timens")) {
        if (unshare(CLONE_NEWTIME))
            die("unshare(CLONE_NEWTIME)");
    } else if (!strcmp(state, "no_descriptors")) {
        struct rlimit few = {(rlim_t)dup(0), 4096};
        close((int)few.rlim_cur);
        setrlimit(RLIMIT_NOFILE, &few);
    } else if (strcmp(state, "root") && strcmp(state, "plain")) {
        errno = EINVAL;
        die(state);
    }
}

static void prepare(void)
{
    area = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED || munmap(area + 2 * PAGE, PAGE) || mprotect(area + PAGE, PAGE, PROT_READ))
        die("mmap");
    for (int sig = 1; sig <= 64; sig++)
        if (sig != SIGCHLD)
            signal(sig, SIG_IGN);
    directory_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        die("pipe2");
    pipe_fd = ends[0];
    pid_t dead = fork();
    if (dead == 0)
        _exit(0);
    dead_pidfd = (int)syscall(SYS_pidfd_open, dead, 0);
    waitpid(dead, NULL, 0);
    FILE *file = fopen("/proc/sys/kernel/pid_max", "re");
    if (file == NULL || fscanf(file, "%d", &pid_limit) != 1)
        die("pid_max");
    fclose(file);
    const char *cgroup = getenv("PROBER_CGROUP");
    if (cgroup != NULL) {
        char removed[256];
        snprintf(removed, sizeof removed, "%s/removed", cgroup);
        mkdir(removed, 0755);
        cgroup_fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        removed_cgroup_fd = open(removed, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        rmdir(removed);
    }
}

int main(int argc, char **argv)
{
    static struct record records[BATCH];
    if (argc != 2)
        return 2;
    become(0);
    prepare();
    enter(argv[1]);
    for (;;) {
        size_t got = 0;
        ssize_t n = 0;
        uint32_t count;
        if (read(0, &count, sizeof count) != sizeof count || count > BATCH)
            return 0;
        while (got < count * sizeof *records &&
               (n = read(0, (char *)records + got, count * sizeof *records - got)) > 0)
            got += (size_t)n;
        if (n <= 0)
            return 0;
        static int32_t results[BATCH];
        for (uint32_t i = 0; i < count; i++)
            results[i] = records[i].entry >= UNSHARE ? probe_namespaces(&records[i])
                                                     : probe_clone(&records[i]);
        while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
            ;
        if (write(1, results, count * sizeof *results) < 0)
            return 0;
    }
}
