/* What RuleFuzz and prober.c agree on. RuleFuzz/Record.cs mirrors the struct. */
#ifndef PROBER_H
#define PROBER_H

#include <stdint.h>

enum entry { FORK, VFORK, CLONE, CLONE3, UNSHARE, SETNS };

/* What a pointer points at. */
enum pointer { P_NULL, P_VALID, P_UNALIGNED, P_UNMAPPED, P_READ_ONLY, P_KERNEL };

/* What a descriptor is. */
enum descriptor {
    D_CLOSED, D_DIRECTORY, D_CGROUP, D_TOO_LARGE, D_REMOVED_CGROUP,
    D_OWN_NS, D_PIDFD_SELF, D_PIDFD_DEAD, D_PIPE
};

/* Tids that only the prober can name. */
#define TID_FREE (-100)
#define TID_TAKEN (-101)
#define TIDS 34

/* How a child that calls unshare or setns is prepared. */
enum partner { ALONE, WITH_THREAD, SHARED_FS, SHARED_SIGHAND, SHARED_VM };

struct record {
    uint8_t entry, pidfd, parent_tid, child_tid;
    uint8_t args, tids_pointer, fd, partner;
    uint64_t flags, exit_signal, stack, stack_size, tls;
    uint64_t size, set_tid_size;
    uint64_t tail;      /* byte at offset 88, when size reaches it */
    uint64_t ns;        /* which namespace D_OWN_NS means: its CLONE_NEW flag */
    int32_t tids[TIDS];
};

#endif
