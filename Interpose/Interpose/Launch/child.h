/* What C# and child.c agree on. Launch/LaunchStructs.cs mirrors these structs. */
#ifndef SANDBOX_CHILD_H
#define SANDBOX_CHILD_H

#include <stdint.h>

/* In place of a call's number. */
enum {
    /* The child says that it has come to wait args[0], from 1, and waits to be let past. */
    STEP_WAIT = -1,
    /* A second task goes on with the next step; the first one with step args[0]. */
    STEP_FORK = -2,
    /* No call: the step fails with errno args[0], for tests. */
    STEP_FAIL = -3,
    /* Nothing is done. */
    STEP_SKIP = -4,
};

/* One system call of the child. */
struct launch_step {
    int64_t nr;
    uint64_t args[6];
    /* An errno that is no failure here, positive; 0 for none. Negative: only that errno is no
       failure, and anything else is ELOOP. */
    int64_t pass;
    /* Bit n: args[n] is the address of a slot, whose content is the argument. */
    uint64_t from_slots;
    /* The slot that keeps the result; null for none. */
    int64_t *to_slot;
    /* When it was over, in cycles of the time-stamp counter; 0 before. */
    uint64_t ended;
};

struct launch_plan {
    /* Futex word: how many waits the supervisor has let the child past. */
    uint32_t go;
    /* Futex word: how many waits the child has come to; all bits when a step has failed. */
    uint32_t reached;
    /* The index of the step that failed, and its errno; -1 when none did. */
    int32_t failed_step;
    int32_t failed_errno;
    uint32_t count;
    /* A pidfd of the supervisor: a child that outlives it before it is traced ends. */
    int32_t supervisor;
    /* CLONE_NEW* of the first task. */
    uint64_t namespaces;
    struct launch_step *steps;
    /* The ends of two stacks. */
    void *first_stack;
    void *second_stack;
    /* Where the second task begins. */
    uint32_t second_step;
    /* Futex word: 1 as long as the first task is in this memory (CLONE_CHILD_CLEARTID). */
    uint32_t shares;
    /* A directory of cgroup version 2 that the first task is born into; -1 for the caller's. */
    int32_t cgroup;
};

/* What the process was given at its start, before any runtime changed it. */
struct start_state {
    uint64_t ignored;
    uint64_t blocked;
    uint64_t nofile_soft;
    uint64_t nofile_hard;
    /* Bit n: descriptor n of 0 to 2 was closed; /dev/null stands in its place. */
    uint64_t closed;
    /* The signals that are blocked since, because the supervisor waits for them. */
    uint64_t waited;
    int64_t argc;
    char **argv;
    char **envp;
};

#endif
