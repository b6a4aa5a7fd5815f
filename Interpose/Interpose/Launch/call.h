/* A system call without a library: a result, or -errno. For the programs that are of their own. */
#ifndef SANDBOX_CALL_H
#define SANDBOX_CALL_H

static long call(long nr, long a0, long a1, long a2, long a3)
{
    long ret;
    register long r10 __asm__("r10") = a3;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a0), "S"(a1), "d"(a2), "r"(r10)
                     : "rcx", "r11", "memory");
    return ret;
}

#endif
