/*
 * Sets up namespaces that guests make: ids of user namespaces, loopback devices of networks. A
 * program of its own, started before the supervisor gives up what that takes, and only for a
 * policy that asks for it. It does nothing but what a job says: see Namespaces/NamespaceSetup.cs.
 *
 * A byte on descriptor 0 makes it fork a worker, so a worker that stands ready is one that cannot
 * be lacking later; the answer is an errno. A worker takes one job from descriptor 1, which all
 * workers share, answers with an errno, and ends. Either ends when the supervisor's ends close.
 */
#define _GNU_SOURCE
#include "../Launch/call.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <asm/unistd_64.h>
#include <linux/nsfs.h>

enum { CONTROL = 0, JOBS = 1 };

/* What a job asks for; Namespaces/NamespaceSetup.cs has the same. */
enum { JOB_MAP = 1, JOB_LOOPBACK = 2 };

struct setup_job {
    int task;
    unsigned what;
    /* The ids of the task in the user namespace that the new one is made in, and in the new. */
    unsigned outer_uid, inner_uid, outer_gid, inner_gid;
};

__attribute__((noreturn)) static void leave(void)
{
    call(__NR_exit_group, 0, 0, 0, 0);
    __builtin_unreachable();
}

static char *put_text(char *to, const char *text)
{
    while (*text)
        *to++ = *text++;
    *to = 0;
    return to;
}

static char *put_number(char *to, unsigned number)
{
    char digits[12], *at = digits + sizeof digits;
    *--at = 0;
    do
        *--at = '0' + number % 10;
    while (number /= 10);
    return put_text(to, at);
}

/* Opens a file of a task in /proc: a descriptor, or -errno. */
static long open_of(int task, const char *file, int flags)
{
    char path[64];
    put_text(put_text(put_number(put_text(path, "/proc/"), task), "/"), file);
    return call(__NR_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, 0);
}

static long write_to(int task, const char *file, const char *text, const char *end)
{
    long fd = open_of(task, file, O_WRONLY);
    if (fd < 0)
        return fd;
    long ret = call(__NR_write, fd, (long)text, end - text, 0);
    call(__NR_close, fd, 0, 0, 0);
    return ret < 0 ? ret : 0;
}

/* Whether somebody else has written a map: "only once" - user_namespaces(7). */
static int is_mapped(int task, const char *map)
{
    char first;
    long fd = open_of(task, map, O_RDONLY);
    return fd >= 0 && call(__NR_read, fd, (long)&first, 1, 0) == 1;
}

static long write_map(int task, const char *map, unsigned inner, unsigned outer)
{
    char line[32], *end = put_text(put_number(line, inner), " ");
    end = put_text(put_number(end, outer), " 1\n");
    long ret = write_to(task, map, line, end);
    return ret == -EPERM && is_mapped(task, map) ? 0 : ret;
}

/* Enters a namespace; where it is there already the kernel says EINVAL of users. */
static long enter(long fd, int type)
{
    long ret = call(__NR_setns, fd, type, 0, 0);
    return ret == -EINVAL && type == CLONE_NEWUSER ? 0 : ret;
}

/*
 * By who made the namespace, from within it, so that nothing is written that the guest could not
 * have written: first into the one that it was made in, there take on the maker's ids, then in.
 */
static long map_ids(const struct setup_job *job, long user)
{
    static const char deny[] = "deny";
    long parent = call(__NR_ioctl, user, NS_GET_PARENT, 0, 0);
    long ret = parent < 0 ? parent : enter(parent, CLONE_NEWUSER);
    if (ret == 0)
        ret = call(__NR_setresgid, job->outer_gid, job->outer_gid, job->outer_gid, 0);
    if (ret == 0)
        ret = call(__NR_setresuid, job->outer_uid, job->outer_uid, job->outer_uid, 0);
    if (ret == 0)
        ret = enter(user, CLONE_NEWUSER);
    if (ret == 0)
        ret = write_to(job->task, "setgroups", deny, deny + sizeof deny - 1);
    if (ret == -EPERM && is_mapped(job->task, "gid_map"))
        ret = 0;
    if (ret == 0)
        ret = write_map(job->task, "uid_map", job->inner_uid, job->outer_uid);
    return ret == 0 ? write_map(job->task, "gid_map", job->inner_gid, job->outer_gid) : ret;
}

static long raise_loopback(long network)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    long ret = enter(network, CLONE_NEWNET);
    long fd = ret < 0 ? ret : call(__NR_socket, AF_INET, SOCK_DGRAM, 0, 0);
    return fd < 0 ? fd : call(__NR_ioctl, fd, SIOCSIFFLAGS, (long)&request, 0);
}

static long work(const struct setup_job *job)
{
    long user = open_of(job->task, "ns/user", O_RDONLY);
    long network = user < 0 ? user : open_of(job->task, "ns/net", O_RDONLY);
    if (network < 0)
        return network == -ENOENT ? -ESRCH : network;
    long ret = job->what & JOB_MAP ? map_ids(job, user) : enter(user, CLONE_NEWUSER);
    return ret == 0 && job->what & JOB_LOOPBACK ? raise_loopback(network) : ret;
}

__attribute__((noreturn)) static void be_worker(void)
{
    struct setup_job job;
    call(__NR_close, CONTROL, 0, 0, 0);
    if (call(__NR_read, JOBS, (long)&job, sizeof job, 0) == sizeof job) {
        int answer = (int)-work(&job);
        call(__NR_write, JOBS, (long)&answer, sizeof answer, 0);
    }

    leave();
}

__attribute__((noreturn, used, force_align_arg_pointer)) void _start(void)
{
    /* rt_sigaction(2): ends of workers are taken by nobody. */
    static const unsigned long ignore[4] = {1};
    const int mask_bytes = 8;
    char asked;
    call(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0);
    call(__NR_prctl, PR_SET_NAME, (long)"nssetup", 0, 0);
    call(__NR_rt_sigaction, SIGCHLD, (long)ignore, 0, mask_bytes);
    while (call(__NR_read, CONTROL, (long)&asked, 1, 0) == 1) {
        long worker = call(__NR_clone, SIGCHLD, 0, 0, 0);
        if (worker == 0)
            be_worker();
        int answer = worker < 0 ? (int)-worker : 0;
        call(__NR_write, CONTROL, (long)&answer, sizeof answer, 0);
    }

    leave();
}
