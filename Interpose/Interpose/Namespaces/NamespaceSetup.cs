using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Interpose.Abi;
using Interpose.Isolation;
using Interpose.Launch;
using Interpose.LibC;
using static Interpose.Abi.Uapi;
using Failure = (string What, string Object, Interpose.Abi.Errno Errno);

namespace Interpose.Namespaces;

/// <summary>What is done to the namespaces that a guest has just made.</summary>
/// <param name="Map">Ids of its user namespace; null for none.</param>
/// <param name="RaisesLoopback">Whether the loopback device of its network goes up.</param>
public readonly record struct NamespaceWork(MapToWrite? Map, bool RaisesLoopback);

/// <summary>A map of one user and one group: user_namespaces(7).</summary>
/// <param name="Maker">The ids of who makes the namespace, as that one sees them.</param>
/// <param name="Inner">What they are in the new one.</param>
public readonly record struct MapToWrite(
    (uint User, uint Group) Maker, (uint User, uint Group) Inner);

/// <summary>
/// The process that sets up namespaces which guests make (nssetup.c). It is started before this
/// one gives up what that takes: nobody may make a process, enter namespaces or open sockets then.
/// </summary>
/// <remarks>
/// A map can be written from the new namespace or from the one around it alone, which is the
/// guest's own. So a worker goes there. It writes as the guest would: with the guest's ids, and
/// with no right that the guest has not. A worker that stands ready is the reservation of stage 4.
/// </remarks>
public sealed class NamespaceSetup : IDisposable
{
    private const string Name = "what sets up namespaces";
    private const int Patience = 10_000;
    private const int AnswerSeconds = 5;
    private const uint JobMap = 1;
    private const uint JobLoopback = 2;

    /// <summary>
    /// Without a user namespace around the run, guests of root's have ids that must be taken on,
    /// and make networks that belong to the host's user namespace.
    /// </summary>
    private const ulong Needed = 1UL << CAP_SETUID | 1UL << CAP_SETGID | 1UL << CAP_SYS_PTRACE
        | 1UL << CAP_SYS_ADMIN | 1UL << CAP_NET_ADMIN;

    private readonly int _control;
    private readonly int _jobs;
    private bool _broken;

    private NamespaceSetup(HostTid process, int control, int jobs) =>
        (Process, _control, _jobs) = (process, control, jobs);

    /// <summary>The process.</summary>
    public HostTid Process { get; }

    /// <summary>Starts it.</summary>
    /// <param name="setup">It; null when it failed.</param>
    /// <returns>What failed; null when all is well.</returns>
    public static Failure? Start(out NamespaceSetup? setup)
    {
        Span<int> ours = stackalloc int[2];
        Span<int> theirs = stackalloc int[2];
        setup = null;
        for (int i = 0; i < ours.Length; i++)
        {
            Errno errno = Sockets.Pair(out ours[i], out theirs[i]);
            errno = errno == Errno.None ? Sockets.LimitReads(ours[i], AnswerSeconds) : errno;
            if (errno != Errno.None)
            {
                return ("socketpair for", Name, errno);
            }
        }

        Failure? failure = Launch(theirs, out HostTid process);
        foreach (int end in theirs)
        {
            Posix.Close(end);
        }

        setup = failure is null ? new(process, ours[0], ours[1]) : null;
        return failure;
    }

    /// <summary>
    /// Stage 4: a worker is made, so that what follows lacks nothing. Either
    /// <see cref="Cancel"/> or <see cref="Run"/> follows.
    /// </summary>
    public Errno Reserve() => Ask(_control, [1]);

    /// <summary>A worker is not needed after all.</summary>
    public void Cancel()
    {
        if (!_broken)
        {
            Posix.Write(_jobs, [0], out _);
        }
    }

    /// <summary>A worker does its work, for a bounded time.</summary>
    /// <param name="task">A stopped task, in the namespaces that it has just got.</param>
    /// <param name="work">What to do.</param>
    /// <returns>ESRCH when the task is gone.</returns>
    public Errno Run(HostTid task, in NamespaceWork work)
    {
        MapToWrite map = work.Map ?? default;
        var job = new setup_job
        {
            task = task.Value,
            what = (work.Map is null ? 0 : JobMap) | (work.RaisesLoopback ? JobLoopback : 0),
            outer_uid = map.Maker.User,
            inner_uid = map.Inner.User,
            outer_gid = map.Maker.Group,
            inner_gid = map.Inner.Group,
        };
        return Ask(_jobs, MemoryMarshal.AsBytes(new ReadOnlySpan<setup_job>(ref job)));
    }

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        HostProcess.KillAndReap(Process);
        Posix.Close(_control);
        Posix.Close(_jobs);
    }

    private static unsafe Failure? Launch(ReadOnlySpan<int> ends, out HostTid process)
    {
        process = default;
        ulong size;

        // SAFETY: the image lies in this program's own constants, and lives as long as it.
        byte* image = Native.NamespaceSetupImage(&size);
        Failure? failure = SealedProgram.Prepare(
            Name, new ReadOnlySpan<byte>(image, (int)size), out SealedProgram? sealedProgram);
        using SealedProgram? program = sealedProgram;
        if (program is null)
        {
            return failure;
        }

        using var plan = new LaunchPlan();
        GuestLaunch.PlanDeathWithSupervisor(plan);
        ulong held = Privileges.Effective();
        if ((held & (1UL << CAP_SETPCAP)) != 0)
        {
            Privileges.PlanLimit(plan, held & Needed);
        }

        for (int i = 0; i < ends.Length; i++)
        {
            plan.Add("dup2 for", Name, __NR_dup2, ends[i], i);
        }

        program.PlanClose(plan, Name, ends.Length);
        program.PlanExec(plan, Name, "sandbox-nssetup"u8);
        Errno errno = plan.Start(out process);
        if (errno != Errno.None)
        {
            return ("clone of", Name, errno);
        }

        bool left = plan.AwaitLeft(Patience);
        failure = plan.Failure ?? (left ? null : ("wait for", Name, Errno.ETIMEDOUT));
        if (failure is not null)
        {
            HostProcess.KillAndReap(process);
        }

        return failure;
    }

    /// <summary>
    /// Sends a message and takes its answer. One that comes late would be taken for another's, so
    /// nothing is asked any more after that.
    /// </summary>
    private Errno Ask(int socket, ReadOnlySpan<byte> message)
    {
        int answer = 0;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<int>(ref answer));
        Errno errno = _broken ? Errno.EPIPE : Posix.Write(socket, message, out _);
        long until = Stopwatch.GetTimestamp() + (AnswerSeconds * Stopwatch.Frequency);
        int read = 0;
        while (errno == Errno.None && read == 0)
        {
            errno = Posix.Read(socket, bytes, out read);
            bool interrupted = errno == Errno.EINTR && Stopwatch.GetTimestamp() < until;
            errno = interrupted ? Errno.None
                : errno == Errno.None && read != bytes.Length ? Errno.EPIPE : errno;
        }

        _broken |= errno != Errno.None;
        return errno != Errno.None ? Errno.EAGAIN : (Errno)answer;
    }

    /// <summary>As nssetup.c has it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct setup_job
    {
        public int task;
        public uint what;
        public uint outer_uid;
        public uint inner_uid;
        public uint outer_gid;
        public uint inner_gid;
    }
}
