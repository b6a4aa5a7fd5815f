/*
 * Somebody flips the flags of a clone3 struct between none and namespaces, which the policy
 * denies, while it is judged: threads, or another process by shared memory, by
 * process_vm_writev(2), by /proc/PID/mem, by writes to a mapped file; or a thread that maps
 * another page there. Expected: children are made and calls denied, and no child ever has a
 * namespace of its own.
 */
#define _GNU_SOURCE
#include "escape.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/uio.h>

enum { FLIPPERS = 2, CALLS_MOST = 200000, CHUNK = 64, PAGE = 4096 };

static const struct clone_args plain = {.exit_signal = SIGCHLD};
static const struct clone_args denied = {.flags = CLONE_NEWUSER | CLONE_NEWUTS,
                                         .exit_signal = SIGCHLD};
static struct clone_args *args;
static long *flips;
static int file;
static pid_t caller;

static void by_store(const struct clone_args *to)
{
    ((volatile struct clone_args *)args)->flags = to->flags;
}

static void by_vmwrite(const struct clone_args *to)
{
    struct iovec local = {(void *)to, sizeof *to}, remote = {args, sizeof *to};
    if (process_vm_writev(caller, &local, 1, &remote, 1, 0) != sizeof *to)
        _exit(1);
}

static void by_procmem(const struct clone_args *to)
{
    static int fd = -1;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", caller);
    if (fd < 0)
        fd = open(path, O_RDWR);
    if (pwrite(fd, to, sizeof *to, (off_t)(uintptr_t)args) != sizeof *to)
        _exit(1);
}

static void by_file(const struct clone_args *to)
{
    if (pwrite(file, to, sizeof *to, 0) != sizeof *to)
        _exit(1);
}

/* The file's second page has what is denied, its first what is not. */
static void by_remap(const struct clone_args *to)
{
    if (mmap(args, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
             to == &denied ? PAGE : 0) == MAP_FAILED)
        _exit(1);
}

static void *flip(void *how)
{
    void (*set)(const struct clone_args *) = how;
    for (;;) {
        for (int i = 0; i < CHUNK; i++) {
            set(&denied);
            set(&plain);
        }

        __atomic_fetch_add(flips, 2 * CHUNK, __ATOMIC_RELAXED);
    }

    return how;
}

static void uts_of(char *link, size_t size)
{
    ssize_t got = readlink("/proc/self/ns/uts", link, size - 1);
    link[got > 0 ? got : 0] = 0;
}

static void prepare(int own_memory)
{
    file = memfd_create("args", 0);
    if (ftruncate(file, 2 * PAGE) || pwrite(file, &plain, sizeof plain, 0) < 0 ||
        pwrite(file, &denied, sizeof denied, PAGE) < 0)
        exit(99);
    flips = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    args = own_memory
               ? mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
               : mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    *args = plain;
    caller = getpid();
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*set)(const struct clone_args *);
        int threads, own_memory;
    } ways[] = {
        {"threads", by_store, 1, 1}, {"process", by_store, 0, 0}, {"vmwrite", by_vmwrite, 0, 1},
        {"procmem", by_procmem, 0, 1}, {"file", by_file, 0, 0}, {"remap", by_remap, 1, 0}};
    long calls_least = argc > 2 ? atol(argv[2]) : 100, flips_least = argc > 3 ? atol(argv[3]) : 0;
    unsigned way = 0;
    while (way < sizeof ways / sizeof *ways - 1 && argc > 1 && strcmp(argv[1], ways[way].name))
        way++;
    char mine[64], now[64];
    uts_of(mine, sizeof mine);
    prepare(ways[way].own_memory);
    pid_t other = ways[way].threads ? 0 : fork();
    if (!ways[way].threads && other == 0)
        flip((void *)ways[way].set);
    for (int i = 0; ways[way].threads && i < FLIPPERS; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, flip, (void *)ways[way].set);
    }

    long calls = 0, made = 0, refused = 0, wrong = 0;
    for (; calls < CALLS_MOST && (calls < calls_least || made == 0 || refused == 0 ||
                                  __atomic_load_n(flips, __ATOMIC_RELAXED) < flips_least);
         calls++) {
        long pid = syscall(SYS_clone3, args, sizeof *args);
        if (pid == 0) {
            uts_of(now, sizeof now);
            _exit(strcmp(mine, now) != 0);
        }

        if (pid > 0) {
            made++;
            wrong += ended((pid_t)pid) != 0;
        } else {
            refused += errno == EPERM;
            wrong += errno != EPERM;
        }
    }

    if (other > 0)
        kill(other, SIGKILL);
    printf("calls %d, flips %d, made %d, denied %d, wrong %ld\n", calls >= calls_least,
           *flips >= flips_least, made > 0, refused > 0, wrong);
    return 0;
}
