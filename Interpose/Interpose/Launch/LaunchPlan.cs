using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Launch;

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct launch_step
{
    public long nr;
    public fixed ulong args[6];
    public long pass;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct launch_plan
{
    public uint go;
    public uint reached;
    public int failed_step;
    public int failed_errno;
    public uint count;
    public long parent;
    public launch_step* steps;
    public void* stack;
    public ulong stack_size;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct start_state
{
    public ulong ignored;
    public ulong blocked;
    public ulong nofile_soft;
    public ulong nofile_hard;
    public ulong closed;
    public ulong waited;
    public long argc;
    public byte** argv;
    public byte** envp;
}

/// <summary>
/// The system calls that the first task makes between clone and exec, as one flat list in
/// native memory that stays where it is until the task has left it.
/// </summary>
internal sealed unsafe class LaunchPlan : IDisposable
{
    private const long Wait = -1;
    private const uint Failed = uint.MaxValue;
    private const long LookEvery = 50;
    private const int StackSize = 64 * 1024;
    private readonly List<(string What, string Object)> _names = [];
    private readonly List<launch_step> _steps = [];
    private readonly List<nint> _allocated = [];
    private launch_plan* _plan;
    private uint _letGo;
    private HostTid _child;

    /// <summary>Adds a call.</summary>
    public void Add(string what, string @object, int nr, params ReadOnlySpan<nint> args) =>
        AddPassing(Errno.None, what, @object, nr, args);

    /// <summary>Adds a call of which one errno is no failure.</summary>
    public void AddPassing(
        Errno pass, string what, string @object, int nr, params ReadOnlySpan<nint> args)
    {
        var step = new launch_step { nr = nr, pass = (long)pass };
        for (int i = 0; i < args.Length; i++)
        {
            step.args[i] = (ulong)args[i];
        }

        _steps.Add(step);
        _names.Add((what, @object));
    }

    /// <summary>A place where the child waits for the supervisor to let it go on.</summary>
    public void AddWait()
    {
        _steps.Add(new launch_step { nr = Wait });
        _names.Add(("wait", "supervisor"));
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

    /// <summary>Creates the child, which walks the plan up to <see cref="AddWait"/>.</summary>
    public Errno Start(out HostTid child)
    {
        var steps = (launch_step*)Allocate(_steps.Count * sizeof(launch_step));
        CollectionsMarshal.AsSpan(_steps).CopyTo(new Span<launch_step>(steps, _steps.Count));
        _plan = (launch_plan*)Allocate(sizeof(launch_plan));
        _plan->failed_step = -1;
        _plan->count = (uint)_steps.Count;
        _plan->parent = Posix.GetPid();
        _plan->steps = steps;
        _plan->stack = (void*)Allocate(StackSize);
        _plan->stack_size = StackSize;

        // SAFETY: the plan and all it points to are native memory that Dispose alone frees.
        long result = Native.Launch(_plan);
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
        long until = Environment.TickCount64 + milliseconds;
        while (true)
        {
            uint reached = System.Threading.Volatile.Read(ref _plan->reached);
            long left = until - Environment.TickCount64;
            if (reached >= wait || left <= 0)
            {
                return reached >= wait && reached != Failed;
            }

            // Short, for one that is killed says nothing.
            if (Waiting.Poll(_child.Value, out _, out _) != 0)
            {
                return false;
            }

            var time = new timespec { tv_nsec = Math.Min(left, LookEvery) * 1_000_000 };

            // SAFETY: the kernel reads the word, which lives as long as the plan, and a local.
            Native.Blocking(
                __NR_futex, (nint)(&_plan->reached), FUTEX_WAIT, (nint)reached, (nint)(&time), 0,
                0);
        }
    }

    /// <summary>Lets the child go on past the next <see cref="AddWait"/>.</summary>
    public void LetGo()
    {
        _letGo++;
        System.Threading.Volatile.Write(ref _plan->go, _letGo);
        Native.Quick(__NR_futex, (nint)(&_plan->go), FUTEX_WAKE, 1);
    }

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

    /// <summary>Frees the memory; the child must have exec'd or ended.</summary>
    public void Dispose()
    {
        foreach (nint memory in _allocated)
        {
            NativeMemory.Free((void*)memory);
        }

        _allocated.Clear();
        _plan = null;
    }
}
