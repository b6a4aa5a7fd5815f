/*
 * Structs and pointers of every bad kind, in clone3 and in clone. Expected: the errno that the
 * kernel itself gives, or the child that it makes; the answers of both runs are compared.
 */
#define _GNU_SOURCE
#include "escape.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

static void clone3_at(const char *name, unsigned long at, unsigned long size)
{
    fflush(stdout);
    long ret = syscall(SYS_clone3, at, size);
    if (ret == 0)
        _exit(0);
    printf("%s, %lu bytes: %s\n", name, size, word(ret));
    if (ret > 0)
        ended((pid_t)ret);
}

static char *pages(int count, int protection)
{
    return mmap(NULL, (size_t)count * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void places(void)
{
    const unsigned long sizes[] = {0, 1, 63, 64, 65, 80, 88, 96, 4095, 4096, 4097, 1UL << 32,
                                   (1UL << 32) + 88, ~0UL};
    char *two = pages(2, PROT_READ | PROT_WRITE), *none = pages(1, PROT_NONE);
    char *gone = pages(1, PROT_READ);
    munmap(gone, PAGE);
    mprotect(two + PAGE, PAGE, PROT_NONE);
    int file = memfd_create("short", 0);
    char *beyond = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    struct clone_args good = {.exit_signal = SIGCHLD};
    memcpy(two + PAGE - sizeof good, &good, sizeof good);
    const struct { const char *name; unsigned long at; } all[] = {
        {"null", 0}, {"one", 1}, {"none", (unsigned long)none}, {"gone", (unsigned long)gone},
        {"beyond a file", (unsigned long)beyond},
        {"up to the edge", (unsigned long)two + PAGE - sizeof good},
        {"over the edge", (unsigned long)two + PAGE - sizeof good + 8},
        {"odd", (unsigned long)two + PAGE - sizeof good - 3},
        {"odd zeros", (unsigned long)two + 1},
        {"kernel", 0xffffffff81000000UL}, {"not canonical", 0x8000000000000000UL},
        {"last page", 0x7fffffffe000UL}, {"end of all", 0x7ffffffff000UL}, {"all ones", ~0UL},
        {"vsyscall", 0xffffffffff600000UL},
    };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        for (unsigned n = 0; n < sizeof sizes / sizeof *sizes; n++)
            clone3_at(all[i].name, all[i].at, sizes[n]);
}

static void members(void)
{
    const uint64_t values[] = {0, 1, 64, 65, 255, 512, 0x7ffffffff000, 0x800000000000,
                               0xffffffff81000000, 0x8000000000000001, UINT64_MAX};
    struct clone_args args;
    uint64_t *member = (uint64_t *)&args;
    for (unsigned m = 0; m < sizeof args / sizeof *member; m++)
        for (unsigned v = 0; v < sizeof values / sizeof *values; v++) {
            char name[64];
            memset(&args, 0, sizeof args);
            args.exit_signal = SIGCHLD;
            member[m] = values[v];
            snprintf(name, sizeof name, "member %u = %llx", m, (unsigned long long)values[v]);
            clone3_at(name, (unsigned long)&args, sizeof args);
        }
}

static void tids(void)
{
    const unsigned long at[] = {1, 0x1000, 0xffffffff81000000UL, 0x8000000000000000UL, ~0UL,
                                ~0UL - 3};
    for (unsigned i = 0; i < sizeof at / sizeof *at; i++)
        for (unsigned size = 1; size < 40; size += 15) {
            struct clone_args args = {
                .exit_signal = SIGCHLD, .set_tid = at[i], .set_tid_size = size};
            char name[64];
            snprintf(name, sizeof name, "set_tid %u of %u", i, size);
            clone3_at(name, (unsigned long)&args, sizeof args);
        }
}

static void registers(void)
{
    const unsigned long at[] = {1, 0xffffffff81000000UL, 0x8000000000000000UL, ~0UL};
    const unsigned long flags[] = {CLONE_PIDFD, CLONE_PARENT_SETTID, CLONE_CHILD_SETTID,
                                   CLONE_CHILD_CLEARTID, CLONE_SETTLS};
    for (unsigned f = 0; f < sizeof flags / sizeof *flags; f++)
        for (unsigned i = 0; i < sizeof at / sizeof *at; i++) {
            fflush(stdout);
            unsigned long tls = flags[f] == CLONE_SETTLS ? at[i] : 0;
            if (tls == 1)
                continue; /* the child would fault at once, in its own way */
            long ret = syscall(SYS_clone, flags[f] | SIGCHLD, 0, at[i], at[i], tls);
            if (ret == 0)
                _exit(0);
            printf("clone %lx at %u: %s\n", flags[f], i, word(ret));
            if (ret > 0)
                ended((pid_t)ret);
        }
}

int main(void)
{
    signal(SIGHUP, SIG_IGN);
    signal(64, SIG_IGN);
    places();
    members();
    tids();
    registers();
    return 0;
}
