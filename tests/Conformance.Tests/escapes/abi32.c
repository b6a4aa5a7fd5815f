/*
 * A static 32-bit program that enters the kernel through the page that the kernel gives it, and
 * forks. Expected: SIGSYS at its first call, where the host runs such programs at all.
 * Built with -m32 -nostdlib, so it needs neither headers nor libraries of that width.
 */
enum { EXIT = 1, FORK = 2, WRITE = 4, VFORK = 190, CLONE = 120, CLONE3 = 435, AT_SYSINFO = 32 };

static long entry;

static long call(long nr, long a, long b, long c)
{
    long ret;
    if (entry)
        __asm__ volatile("call *%1" : "=a"(ret) : "m"(entry), "a"(nr), "b"(a), "c"(b), "d"(c)
                         : "memory");
    else
        __asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
    return ret;
}

static void say(const char *text)
{
    long length = 0;
    while (text[length])
        length++;
    call(WRITE, 1, (long)text, length);
}

void start(long *stack)
{
    long *word = stack + stack[0] + 2;
    while (*word)
        word++;
    for (word++; word[0]; word += 2)
        if (word[0] == AT_SYSINFO)
            entry = word[1];
    say("alive\n");
    static const long calls[] = {FORK, CLONE};
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        long ret = call(calls[i], calls[i] == CLONE ? 17 : 0, 0, 0);
        if (ret == 0)
            call(EXIT, 0, 0, 0);
        say(ret > 0 ? "made\n" : "refused\n");
    }

    call(EXIT, 0, 0, 0);
}

__asm__(".globl _start\n_start: mov %esp, %eax\n push %eax\n call start\n hlt\n");
