using System.Runtime.InteropServices;

namespace Interpose.Launch;

// What C# and child.c agree on: Launch/child.h.

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct launch_step
{
    public long nr;
    public fixed ulong args[6];
    public long pass;
    public ulong from_slots;
    public long* to_slot;
    public ulong ended;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct launch_plan
{
    public uint go;
    public uint reached;
    public int failed_step;
    public int failed_errno;
    public uint count;
    public int supervisor;
    public ulong namespaces;
    public launch_step* steps;
    public void* first_stack;
    public void* second_stack;
    public uint second_step;
    public uint shares;
    public int cgroup;
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
