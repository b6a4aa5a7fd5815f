/*
 * Settings of the kernel that run programs or change the machine for everybody. They are opened
 * for writing, and nothing is written to those that would do something.
 * Expected: root opens them natively; no guest does, with or without a user namespace, a
 * mount namespace and new file systems of its own ("settings own").
 */
#define _GNU_SOURCE
#include "escape.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

static const char *const files[] = {
    "/proc/sys/kernel/core_pattern",      "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hotplug",           "/proc/sys/kernel/poweroff_cmd",
    "/proc/sys/kernel/usermodehelper/bset", "/proc/sys/kernel/randomize_va_space",
    "/proc/sys/kernel/panic",             "/proc/sys/kernel/pid_max",
    "/proc/sys/vm/overcommit_memory",     "/proc/sys/fs/file-max",
    "/proc/sys/fs/suid_dumpable",         "/proc/sys/fs/binfmt_misc/register",
    "/proc/sys/user/max_user_namespaces", "/proc/sysrq-trigger",
    "/proc/irq/default_smp_affinity",     "/proc/kcore",
    "/proc/kmsg",                         "/proc/timer_list",
    "/sys/kernel/uevent_helper",          "/sys/kernel/mm/ksm/run",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/power/state",                   "/sys/module/kernel/parameters/panic",
    "/sys/kernel/profiling",              "/sys/fs/cgroup/cgroup.procs",
    "/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/memory/cgroup.procs",
    "/sys/fs/cgroup/pids/release_agent",  "/sys/fs/cgroup/pids/cgroup.procs",
    "/sys/fs/cgroup/unified/cgroup.procs",
};

static void look(const char *below, const char *file)
{
    char path[256];
    snprintf(path, sizeof path, "%s%s", below, file);
    int fd = open(path, (strcmp(file, "/proc/kcore") ? O_WRONLY : O_RDONLY) | O_NONBLOCK);
    if (fd < 0 && !strcmp(file, "/proc/kmsg"))
        fd = open(path, O_RDONLY | O_NONBLOCK);
    printf("%s: %s\n", path, fd < 0 ? strerrorname_np(errno) : "reached");
    if (fd >= 0)
        close(fd);
}

/* New ones in place of those that are read-only, as far as the kernel gives any. */
static void own(const char *place)
{
    const char *types[][2] = {{"proc", "/proc"},        {"sysfs", "/sys"},
                              {"cgroup2", "/cgroup"},   {"debugfs", "/debug"},
                              {"tracefs", "/trace"},    {"securityfs", "/security"},
                              {"binfmt_misc", "/misc"}, {"devtmpfs", "/dev"}};
    char path[256];
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP))
        exit(3);
    if (fork() > 0) {
        wait(NULL);
        exit(0);
    }

    if (mount("none", place, "tmpfs", 0, NULL))
        exit(4);
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        snprintf(path, sizeof path, "%s%s", place, types[i][1]);
        mkdir(path, 0755);
        mount("none", path, types[i][0], 0, NULL);
    }

    snprintf(path, sizeof path, "%s/memory", place);
    mkdir(path, 0755);
    mount("none", path, "cgroup", 0, "memory");
    look(place, "/memory/release_agent");
    look(place, "/cgroup/cgroup.procs");
    look(place, "/misc/register");
    look(place, "/debug/sched/features");
    look(place, "/trace/tracing_on");
    look(place, "/dev/kmsg");
}

int main(int argc, char **argv)
{
    const char *below = argc > 2 ? argv[2] : "";
    if (argc > 2)
        own(below);
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        look("", files[i]);
        if (*below)
            look(below, files[i]);
    }

    return 0;
}
