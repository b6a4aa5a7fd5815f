/*
 * Every register across a call that makes a task, in the caller and in the child. Both sides are
 * stored by a few instructions right behind the call, then compared with what was loaded; rcx
 * and r11 are the processor's own (where the call returns, and the flags). One line a call.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, GPRS };
enum { VECTORS = 16, STACK = 65536, ROUNDS = 300, FLAGS = 0x200ed7 };

/* As the assembly below lays it out. */
struct registers {
    uint64_t gpr[GPRS], flags;
    uint32_t mxcsr;
    uint16_t x87, room;
    uint8_t vector[VECTORS][32];
};

/* What a child found, in memory that it shares whatever its flags are. */
struct finding {
    int wrong, first, stack, area, done;
};

struct registers eq_loaded, eq_caller, eq_child;
uint64_t eq_after, eq_kept[8];
int eq_vectors;
static struct finding *found;
static char stack[STACK] __attribute__((aligned(64)));
static uint64_t area[64];
static uint64_t expected_stack, expected_area;
static int scratch;
static volatile int caught;

void eq_call(void);

__asm__(
    ".macro vectors op, area, load\n"
    "  cmpl $0, eq_vectors(%rip)\n  je 9f\n"
    "  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
    "  .if \\load\n    vmovdqu \\area+144+32*\\n(%rip), %ymm\\n\n"
    "  .else\n    vmovdqu %ymm\\n, \\area+144+32*\\n(%rip)\n  .endif\n  .endr\n  jmp 8f\n"
    "9:\n  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
    "  .if \\load\n    movdqu \\area+144+32*\\n(%rip), %xmm\\n\n"
    "  .else\n    movdqu %xmm\\n, \\area+144+32*\\n(%rip)\n  .endif\n  .endr\n8:\n.endm\n"
    ".macro store area\n"
    "  popq \\area+128(%rip)\n"
    "  mov %rax, \\area(%rip)\n  mov %rbx, \\area+8(%rip)\n  mov %rcx, \\area+16(%rip)\n"
    "  mov %rdx, \\area+24(%rip)\n  mov %rsi, \\area+32(%rip)\n  mov %rdi, \\area+40(%rip)\n"
    "  mov %rbp, \\area+48(%rip)\n  mov %rsp, \\area+56(%rip)\n  mov %r8, \\area+64(%rip)\n"
    "  mov %r9, \\area+72(%rip)\n  mov %r10, \\area+80(%rip)\n  mov %r11, \\area+88(%rip)\n"
    "  mov %r12, \\area+96(%rip)\n  mov %r13, \\area+104(%rip)\n  mov %r14, \\area+112(%rip)\n"
    "  mov %r15, \\area+120(%rip)\n  stmxcsr \\area+136(%rip)\n  fnstcw \\area+140(%rip)\n"
    "  cld\n  vectors , \\area, 0\n.endm\n"
    ".text\n.globl eq_call\neq_call:\n"
    "  mov %rbx, eq_kept(%rip)\n  mov %rbp, eq_kept+8(%rip)\n  mov %r12, eq_kept+16(%rip)\n"
    "  mov %r13, eq_kept+24(%rip)\n  mov %r14, eq_kept+32(%rip)\n  mov %r15, eq_kept+40(%rip)\n"
    "  stmxcsr eq_kept+48(%rip)\n  fnstcw eq_kept+56(%rip)\n"
    "  vectors , eq_loaded, 1\n  ldmxcsr eq_loaded+136(%rip)\n  fldcw eq_loaded+140(%rip)\n"
    "  lea 1f(%rip), %rax\n  mov %rax, eq_after(%rip)\n  mov %rsp, eq_loaded+56(%rip)\n"
    "  mov eq_loaded+8(%rip), %rbx\n  mov eq_loaded+24(%rip), %rdx\n"
    "  mov eq_loaded+32(%rip), %rsi\n  mov eq_loaded+40(%rip), %rdi\n"
    "  mov eq_loaded+48(%rip), %rbp\n  mov eq_loaded+64(%rip), %r8\n"
    "  mov eq_loaded+72(%rip), %r9\n  mov eq_loaded+80(%rip), %r10\n"
    "  mov eq_loaded+96(%rip), %r12\n  mov eq_loaded+104(%rip), %r13\n"
    "  mov eq_loaded+112(%rip), %r14\n  mov eq_loaded+120(%rip), %r15\n"
    "  mov eq_loaded(%rip), %rax\n"
    "  pushq eq_loaded+128(%rip)\n  popfq\n  syscall\n"
    "1: pushfq\n  cmpq $272, eq_loaded(%rip)\n  je 3f\n  test %rax, %rax\n  jz 2f\n3:"
    "  store eq_caller\n"
    "  mov eq_kept(%rip), %rbx\n  mov eq_kept+8(%rip), %rbp\n  mov eq_kept+16(%rip), %r12\n"
    "  mov eq_kept+24(%rip), %r13\n  mov eq_kept+32(%rip), %r14\n  mov eq_kept+40(%rip), %r15\n"
    "  ldmxcsr eq_kept+48(%rip)\n  fldcw eq_kept+56(%rip)\n  ret\n"
    "2: store eq_child\n  and $-16, %rsp\n  call eq_report\n  ud2\n");

/* Registers other than rax that are not what they should be, and the first of them. */
static int compare(const struct registers *now, uint64_t rsp, int *first)
{
    int wrong = 0;
    for (int i = RAX + 1; i < GPRS; i++) {
        uint64_t expected = i == RCX ? eq_after : i == R11 ? now->flags
                          : i == RSP ? rsp : eq_loaded.gpr[i];
        if (now->gpr[i] != expected && wrong++ == 0)
            *first = i;
    }

    wrong += ((now->flags ^ eq_loaded.flags) & FLAGS) != 0;
    wrong += now->mxcsr != eq_loaded.mxcsr || now->x87 != eq_loaded.x87;
    for (int i = 0; i < VECTORS; i++)
        wrong += memcmp(now->vector[i], eq_loaded.vector[i], eq_vectors ? 32 : 16) != 0;
    return wrong;
}

static long raw(long nr, long a, long b)
{
    long ret;
    __asm__ volatile("syscall" : "=a"(ret) : "0"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
    return ret;
}

/* Runs in the child, perhaps on a thread area of its own: no libc. */
__attribute__((noreturn, used)) void eq_report(void)
{
    uint64_t base = 0;
    struct finding *to = found;
    raw(SYS_arch_prctl, ARCH_GET_FS, (long)&base);
    to->first = -1;
    uint64_t rsp = expected_stack ? expected_stack : eq_loaded.gpr[RSP];
    to->wrong = compare(&eq_child, rsp, &to->first);
    to->stack = eq_child.gpr[RSP] == rsp;
    to->area = base == expected_area;
    __atomic_store_n(&to->done, 1, __ATOMIC_RELEASE);
    for (;;)
        raw(SYS_exit, 0, 0);
}

static void load(long nr, const long *arguments)
{
    static const int order[] = {RDI, RSI, RDX, R10, R8, R9};
    for (int i = 0; i < GPRS; i++)
        eq_loaded.gpr[i] = 0x0101010101010101u * (unsigned)(i + 1) + 0xf00000000000000du;
    for (int i = 0; i < 6; i++)
        eq_loaded.gpr[order[i]] = (uint64_t)arguments[i];
    eq_loaded.gpr[RAX] = (uint64_t)nr;
    eq_loaded.flags = 0x200ad7; /* ID, OF, SF, ZF, AF, PF, CF, interrupts */
    eq_loaded.mxcsr = 0x3f80;   /* rounds up, all masked */
    eq_loaded.x87 = 0x0e7f;
    for (unsigned i = 0; i < sizeof eq_loaded.vector; i++)
        ((uint8_t *)eq_loaded.vector)[i] = (uint8_t)(i * 7 + 3);
    memset(&eq_caller, 0xee, sizeof eq_caller);
    memset(&eq_child, 0xee, sizeof eq_child);
    memset(found, 0, sizeof *found);
}

/* Makes the call; the sum of registers that were wrong on both sides, -1 for an odd ending. */
static long make(long nr, const long *arguments, struct finding *caller)
{
    load(nr, arguments);
    eq_call();
    long ret = (long)eq_caller.gpr[RAX];
    caller->first = -1;
    caller->wrong = compare(&eq_caller, eq_loaded.gpr[RSP], &caller->first);
    if (ret <= 0)
        return ret;
    int thread = arguments[0] & CLONE_THREAD && nr == SYS_clone;
    thread |= nr == SYS_clone3 && ((struct clone_args *)arguments[0])->flags & CLONE_THREAD;
    while (thread && syscall(SYS_tgkill, getpid(), ret, 0) == 0)
        sched_yield();
    while (!thread && waitpid((pid_t)ret, NULL, __WALL) < 0 && errno == EINTR)
        ;
    return ret;
}

static void say(const char *name, long nr, const long *arguments)
{
    struct finding caller;
    long ret = make(nr, arguments, &caller);
    printf("%s: caller %d (%d)", name, caller.wrong, caller.first);
    if (ret <= 0)
        printf(" %s\n", ret < 0 ? strerrorname_np((int)-ret) : "0");
    else
        printf(", child %d (%d) stack %d area %d done %d\n", found->wrong, found->first,
               found->stack, found->area, found->done);
    fflush(stdout);
}

static const long thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
                               | CLONE_SYSVSEM | CLONE_SETTLS;

static void each_call(void)
{
    uint64_t base;
    syscall(SYS_arch_prctl, ARCH_GET_FS, &base);
    struct clone_args plain = {.exit_signal = SIGCHLD}, bad = {.exit_signal = 65};
    struct clone_args fast = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD,
                              .stack = (uint64_t)stack, .stack_size = STACK};
    struct clone_args thread = {.flags = (uint64_t)thread_flags, .tls = (uint64_t)area,
                                .stack = (uint64_t)stack, .stack_size = STACK};
    const long top = (long)(stack + STACK), a = -1, b = 0x7fff5555, c = 1L << 62;
    expected_area = base;
    say("fork", SYS_fork, (long[]){a, b, c, 4, 5, 6});
    say("vfork", SYS_vfork, (long[]){a, b, c, 4, 5, 6});
    say("clone", SYS_clone, (long[]){SIGCHLD, 0, b, a, c, 6});
    say("clone UNTRACED", SYS_clone, (long[]){SIGCHLD | CLONE_UNTRACED, 0, b, a, c, 6});
    say("clone PTRACE", SYS_clone, (long[]){SIGCHLD | CLONE_PTRACE, 0, b, a, c, 6});
    say("clone vfork", SYS_clone, (long[]){SIGCHLD | CLONE_VM | CLONE_VFORK, 0, b, a, c, 6});
    say("clone3", SYS_clone3, (long[]){(long)&plain, sizeof plain, b, a, c, 6});
    say("clone refused", SYS_clone, (long[]){CLONE_SIGHAND | SIGCHLD, 0, b, a, c, 6});
    say("clone3 refused", SYS_clone3, (long[]){(long)&bad, sizeof bad, b, a, c, 6});
    say("clone3 short", SYS_clone3, (long[]){(long)&plain, 8, b, a, c, 6});
    say("clone3 unmapped", SYS_clone3, (long[]){8, sizeof plain, b, a, c, 6});
    say("clone late", SYS_clone, (long[]){SIGCHLD | CLONE_PIDFD, 0, 16, a, c, 6});
    say("clone late UNTRACED", SYS_clone,
        (long[]){SIGCHLD | CLONE_PIDFD | CLONE_UNTRACED, 0, 16, a, c, 6});
    say("unshare", SYS_unshare, (long[]){CLONE_FS | CLONE_SYSVSEM, a, b, c, 5, 6});
    say("unshare refused", SYS_unshare, (long[]){3, a, b, c, 5, 6});
    expected_stack = (uint64_t)top;
    say("clone3 vfork", SYS_clone3, (long[]){(long)&fast, sizeof fast, b, a, c, 6});
    say("clone stack", SYS_clone, (long[]){SIGCHLD | CLONE_VM | CLONE_VFORK, top, b, a, c, 6});
    expected_area = (uint64_t)area;
    say("thread", SYS_clone, (long[]){thread_flags, top, b, a, (long)area, 6});
    say("thread UNTRACED", SYS_clone,
        (long[]){thread_flags | CLONE_UNTRACED, top, b, a, (long)area, 6});
    say("thread SETTID", SYS_clone,
        (long[]){thread_flags | CLONE_PARENT_SETTID, top, (long)&scratch, a, (long)area, 6});
    say("thread clone3", SYS_clone3, (long[]){(long)&thread, sizeof thread, b, a, c, 6});
}

static void on_signal(int sig)
{
    caught = sig;
}

/* The same while signals come all the time, so that many calls are begun again. */
static void storm(int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    struct itimerval often = {{0, 700}, {0, 700}}, never = {{0, 0}, {0, 0}};
    struct clone_args plain = {.exit_signal = SIGCHLD};
    int wrong = 0, made = 0, refused = 0;
    sigaction(SIGALRM, &action, NULL);
    syscall(SYS_arch_prctl, ARCH_GET_FS, &expected_area);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        const long calls[][7] = {
            {SYS_fork, 1, 2, 3, 4, 5, 6}, {SYS_vfork, 1, 2, 3, 4, 5, 6},
            {SYS_clone, SIGCHLD | CLONE_UNTRACED, 0, 3, 4, 5, 6},
            {SYS_clone3, (long)&plain, sizeof plain, 3, 4, 5, 6}};
        for (int k = 0; k < 4; k++) {
            struct finding caller;
            long ret = make(calls[k][0], calls[k] + 1, &caller);
            made += ret > 0 && found->done;
            refused += ret < 0;
            wrong += caller.wrong + found->wrong;
        }
    }

    setitimer(ITIMER_REAL, &never, NULL);
    printf("storm: made %d, refused %d, wrong %d, caught %d\n", made, refused, wrong, caught > 0);
}

int main(int argc, char **argv)
{
    eq_vectors = __builtin_cpu_supports("avx") != 0;
    found = mmap(NULL, sizeof *found, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (argc > 1 && strcmp(argv[1], "storm") == 0)
        storm(0);
    else if (argc > 1 && strcmp(argv[1], "restart") == 0)
        storm(SA_RESTART);
    else
        each_call();
    return 0;
}
