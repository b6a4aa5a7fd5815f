/* What C# and child.c agree on. Launch/LaunchPlan.cs mirrors these structs. */
#ifndef SANDBOX_CHILD_H
#define SANDBOX_CHILD_H

#include <stdint.h>

/* One system call of the child. Where nr is STEP_WAIT the child says so, and waits. */
#define STEP_WAIT (-1)

struct launch_step {
    int64_t nr;
    uint64_t args[6];
    /* An errno that is no failure here, positive; 0 for none. */
    int64_t pass;
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
    /* The supervisor: a child that has another parent when it waits is on its own, and ends. */
    int64_t parent;
    struct launch_step *steps;
    void *stack;
    uint64_t stack_size;
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
