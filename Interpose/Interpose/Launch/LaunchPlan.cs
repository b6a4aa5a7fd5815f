using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Launch;

/// <summary>Where the child keeps the result of a call.</summary>
/// <param name="Address">Of eight bytes in the plan's memory.</param>
internal readonly record struct Slot(nint Address);

/// <summary>An argument of a call: a value, or the result of an earlier call.</summary>
/// <param name="Value">The value, or the address of the slot.</param>
/// <param name="IsSlot">Which of the two.</param>
internal readonly record struct StepArgument(nint Value, bool IsSlot)
{
    public static implicit operator StepArgument(nint value) => new(value, IsSlot: false);

    public static implicit operator StepArgument(Slot slot) => new(slot.Address, IsSlot: true);
}

/// <summary>
/// The system calls that the first task makes between clone and exec, as one flat list in
/// native memory that stays where it is until the task has left it.
/// </summary>
internal sealed unsafe partial class LaunchPlan : IDisposable
{
    private const long Wait = -1;
    private const long Fork = -2;
    private const long Fails = -3;
    private const uint Failed = uint.MaxValue;
    private const long LookEvery = 50;
    private const int StackSize = 64 * 1024;

    /// <summary>Steps of a plan as it is most often; native memory costs when it is used.</summary>
    private const int UsualSteps = 512;
    private readonly List<(string What, string Object, string Part)> _names = new(UsualSteps);
    private launch_step* _steps = RoomFor(null, UsualSteps);
    private int _room = UsualSteps;
    private int _count;
    private readonly List<nint> _allocated = [];
    private launch_plan* _plan;
    private uint _waits;
    private bool _forks;
    private uint _letGo;
    private HostTid _child;
    private (long Time, ulong Cycles) _begun;

    /// <summary>CLONE_NEW* flags: the namespaces that the child is made in.</summary>
    public ulong Namespaces { get; set; }

    /// <summary>What the calls that are added from now on are for.</summary>
    public string Part { get; set; } = string.Empty;

    /// <summary>Adds a call.</summary>
    public void Add(
        string what, string @object, int nr, params ReadOnlySpan<StepArgument> args) =>
        AddStep(what, @object, nr, args);

    /// <summary>Adds a call of which one errno is no failure.</summary>
    public void AddPassing(
        Errno pass, string what, string @object, int nr, params ReadOnlySpan<StepArgument> args)
    {
        AddStep(what, @object, nr, args);
        Last.pass = (long)pass;
    }

    /// <summary>Adds a call that must fail so; that it does not is told as ELOOP.</summary>
    public void AddRefused(
        Errno only, string what, string @object, int nr, params ReadOnlySpan<StepArgument> args)
    {
        AddStep(what, @object, nr, args);
        Last.pass = -(long)only;
    }

    /// <summary>Adds a call whose result later ones can have as an argument.</summary>
    public Slot AddKeeping(
        string what, string @object, int nr, params ReadOnlySpan<StepArgument> args)
    {
        var slot = new Slot(Allocate(sizeof(long)));
        AddKeepingIn(slot, what, @object, nr, args);
        return slot;
    }

    /// <summary>As much, with the place of the result as part of a structure.</summary>
    public void AddKeepingIn(
        Slot slot, string what, string @object, int nr, params ReadOnlySpan<StepArgument> args)
    {
        AddStep(what, @object, nr, args);
        Last.to_slot = (long*)slot.Address;
    }

    /// <summary>Adds the calls that write a text to a file of /proc.</summary>
    /// <param name="proc">A descriptor of a /proc; AT_FDCWD for the one that is mounted.</param>
    /// <param name="file">Its path, from the root.</param>
    /// <param name="text">What is written.</param>
    public void AddWrite(StepArgument proc, string file, string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        byte[] path = Encoding.ASCII.GetBytes(proc.IsSlot ? file["/proc/".Length..] : file);
        Slot fd = AddKeeping(
            "open", file, __NR_openat, proc, Text(path), O_WRONLY | O_CLOEXEC);
        Add("write to", file, __NR_write, fd, Text(bytes), bytes.Length);
        Add("close", file, __NR_close, fd);
    }

    /// <summary>A place where the child waits for the supervisor to let it go on.</summary>
    /// <returns>Which wait of the plan it is, from 1.</returns>
    public uint AddWait()
    {
        _waits++;
        AddStep("wait", "supervisor", Wait, [(nint)_waits]);
        return _waits;
    }

    /// <summary>
    /// A second task, a child of the first, goes on here. The first goes on where
    /// <see cref="GoOnAfter"/> says; the second must not get there.
    /// </summary>
    /// <returns>For <see cref="GoOnAfter"/>.</returns>
    public int AddFork(string @object)
    {
        AddStep("clone of", @object, Fork, []);
        _forks = true;
        return _count - 1;
    }

    /// <summary>The first task goes on with what is added next.</summary>
    public void GoOnAfter(int fork) => _steps[fork].args[0] = (ulong)_count;

    /// <summary>For tests: a step fails without being tried.</summary>
    /// <param name="number">Which, from 1, waits not counted; nothing if there are fewer.</param>
    /// <param name="errno">How.</param>
    public void Fail(int number, Errno errno)
    {
        foreach (ref launch_step step in new Span<launch_step>(_steps, _count))
        {
            if (step.nr != Wait && --number == 0)
            {
                step.nr = Fails;
                step.args[0] = (ulong)errno;
                (step.from_slots, step.pass) = (0, 0);
            }
        }
    }

    /// <summary>Native memory that lives as long as the plan.</summary>
    public nint Allocate(int bytes)
    {
        nint memory = (nint)NativeMemory.AllocZeroed((nuint)bytes);
        _allocated.Add(memory);
        return memory;
    }

    /// <summary>A copy of some bytes with a zero byte behind them.</summary>
    public nint Text(ReadOnlySpan<byte> text)
    {
        nint memory = Allocate(text.Length + 1);
        text.CopyTo(new Span<byte>((void*)memory, text.Length));
        return memory;
    }

    /// <summary>An array of pointers with a null behind them, as execve(2) takes it.</summary>
    public nint Vector(IReadOnlyList<nint> pointers)
    {
        nint memory = Allocate((pointers.Count + 1) * sizeof(nint));
        for (int i = 0; i < pointers.Count; i++)
        {
            ((nint*)memory)[i] = pointers[i];
        }

        return memory;
    }

    /// <summary>The task goes under a seccomp filter: seccomp(2).</summary>
    public void AddFilter(string @object, ReadOnlySpan<sock_filter> code)
    {
        Add("prctl(PR_SET_NO_NEW_PRIVS)", @object, __NR_prctl, PR_SET_NO_NEW_PRIVS, 1);
        Add(
            "seccomp(SECCOMP_SET_MODE_FILTER)", @object, __NR_seccomp,
            (nint)SECCOMP_SET_MODE_FILTER, 0, Program(code));
    }

    /// <summary>What a call of the child's gave: its result, once the child has made it.</summary>
    public static long ResultOf(Slot slot) =>
        System.Threading.Volatile.Read(ref *(long*)slot.Address);

    /// <summary>Creates the child, which walks the plan up to <see cref="AddWait"/>.</summary>
    public Errno Start(out HostTid child)
    {
        child = default;
        Errno errno = Pidfd.Open(Posix.GetPid(), out int supervisor);
        if (errno != Errno.None)
        {
            return errno;
        }

        _plan = (launch_plan*)Allocate(sizeof(launch_plan));
        _plan->failed_step = -1;
        _plan->count = (uint)_count;
        _plan->supervisor = supervisor;
        _plan->namespaces = Namespaces;
        _plan->steps = _steps;
        _plan->first_stack = NewStack();
        _plan->second_stack = _forks ? NewStack() : null;

        _begun = (Stopwatch.GetTimestamp(), Native.Cycles());

        long result = Launch();
        Posix.Close(supervisor);
        child = new HostTid((int)result);
        _child = child;
        return Native.ErrnoOf(result);
    }

    /// <summary>
    /// Waits until the child stands at a wait, or a step of its has failed, for a bounded time.
    /// </summary>
    /// <param name="wait">Which, from 1.</param>
    /// <param name="milliseconds">For how long.</param>
    /// <returns>Whether it stands there.</returns>
    public bool AwaitReached(uint wait, int milliseconds)
    {
        uint reached = Await(&_plan->reached, reached => reached >= wait, milliseconds);
        return reached >= wait && reached != Failed;
    }

    /// <summary>
    /// Waits, for a bounded time, until the first task is no longer in the memory of this
    /// process: it has become another program, or has ended.
    /// </summary>
    public bool AwaitLeft(int milliseconds) =>
        Await(&_plan->shares, shares => shares == 0, milliseconds) == 0;

    /// <summary>What a word has come to.</summary>
    private uint Await(uint* word, Predicate<uint> isEnough, int milliseconds)
    {
        long until = Environment.TickCount64 + milliseconds;
        while (true)
        {
            uint now = System.Threading.Volatile.Read(ref *word);
            long left = until - Environment.TickCount64;

            // Looks are short, for one that is killed says nothing.
            if (isEnough(now) || left <= 0 || Waiting.Poll(_child.Value, out _, out _) != 0)
            {
                return System.Threading.Volatile.Read(ref *word);
            }

            var time = new timespec { tv_nsec = Math.Min(left, LookEvery) * 1_000_000 };

            // SAFETY: the kernel reads the word, which lives as long as the plan, and a local.
            Native.Blocking(
                __NR_futex, (nint)word, FUTEX_WAIT, (nint)now, (nint)(&time), 0, 0);
        }
    }

    /// <summary>Lets the child go on past the next <see cref="AddWait"/>.</summary>
    public void LetGo()
    {
        _letGo++;
        System.Threading.Volatile.Write(ref _plan->go, _letGo);
        Native.Quick(__NR_futex, (nint)(&_plan->go), FUTEX_WAKE, 1);
    }

    /// <summary>What the step that failed was for; empty when none did.</summary>
    public string FailedPart => Failure is null ? string.Empty : _names[_plan->failed_step].Part;

    /// <summary>The step that failed, if one did.</summary>
    public (string What, string Object, Errno Errno)? Failure
    {
        get
        {
            int step = _plan is null ? -1 : System.Threading.Volatile.Read(ref _plan->failed_step);
            return step < 0 ? null
                : (_names[step].What, _names[step].Object, (Errno)_plan->failed_errno);
        }
    }

    private void AddStep(
        string what, string @object, long nr, ReadOnlySpan<StepArgument> args)
    {
        var step = new launch_step { nr = nr };
        for (int i = 0; i < args.Length; i++)
        {
            step.args[i] = (ulong)args[i].Value;
            step.from_slots |= args[i].IsSlot ? 1UL << i : 0;
        }

        if (_count == _room)
        {
            _room *= 2;
            _steps = RoomFor(_steps, _room);
        }

        _steps[_count++] = step;
        _names.Add((what, @object, Part));
    }

    private ref launch_step Last => ref _steps[_count - 1];

    private static launch_step* RoomFor(launch_step* steps, int count) =>
        (launch_step*)NativeMemory.Realloc(steps, (nuint)(count * sizeof(launch_step)));

    /// <summary>A filter in the form that the call takes.</summary>
    private nint Program(ReadOnlySpan<sock_filter> code)
    {
        nint instructions = Allocate(code.Length * sizeof(sock_filter));
        code.CopyTo(new Span<sock_filter>((void*)instructions, code.Length));
        var program = (sock_fprog*)Allocate(sizeof(sock_fprog));
        program->len = (ushort)code.Length;
        program->filter = (nuint)instructions;
        return (nint)program;
    }

    /// <summary>The end of a stack, for it grows downwards.</summary>
    private void* NewStack()
    {
        // Not cleared, for that touches all its pages.
        nint memory = (nint)NativeMemory.Alloc(StackSize);
        _allocated.Add(memory);
        return (void*)(memory + StackSize);
    }

    /// <summary>Frees the memory; the child must have exec'd or ended.</summary>
    public void Dispose()
    {
        foreach (nint memory in _allocated)
        {
            NativeMemory.Free((void*)memory);
        }

        _allocated.Clear();
        NativeMemory.Free(_steps);
        _plan = null;
        _steps = null;
        (_count, _room) = (0, 0);
    }
}
