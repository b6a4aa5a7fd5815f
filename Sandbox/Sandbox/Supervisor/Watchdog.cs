using System;
using System.Threading;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.Ptrace;
using Sandbox.Reports;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <summary>
/// Ends what keeps the supervisor from its work: a stop that takes far too long, such as a read
/// of guest memory that the guest never lets finish.
/// </summary>
/// <remarks>
/// process_vm_readv(2) waits for memory as a call of the guest's own would. A fatal signal ends
/// that wait where a userfaultfd(2) holds the page back, and not where a FUSE server does that
/// has begun to read: "Wait it out" - request_wait_answer. So whoever can serve the memory is
/// taken away, in three steps: the process whose memory it is; every guest, one of which may
/// hold the other end; this process.
/// </remarks>
/// <param name="engine">Whose stops are watched.</param>
/// <param name="log">Is told what was done.</param>
/// <param name="endRun">Called when every guest was killed, with the reason.</param>
internal sealed class Watchdog(PtraceEngine engine, Log log, Action<string> endRun)
{
    private const int Patience = 40;
    private const int MemoryPatience = 4;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan MessagePatience = TimeSpan.FromSeconds(1);

    /// <summary>Starts to watch, until the process ends.</summary>
    public void Start() =>
        new Thread(Watch, 64 * 1024) { IsBackground = true, Name = "watchdog" }.Start();

    private void Watch()
    {
        // Ticks are counted, not time: while this process is stopped none passes.
        long last = 0;
        int ticks = 0;
        int asleep = 0;
        while (true)
        {
            Thread.Sleep(Tick);
            long busy = engine.BusySince;
            ticks = busy != 0 && busy == last ? ticks + 1 : 0;
            last = busy;

            // A supervisor that was given no processor is late, and nobody's victim.
            asleep = ticks > 0 && engine.WaitsForMemory ? asleep + 1 : 0;
            if (asleep == MemoryPatience)
            {
                KillOwner(busy);
            }
            else if (asleep == 2 * MemoryPatience)
            {
                KillAll();
            }

            if (ticks >= Patience)
            {
                Say(() => log.Error(
                    "a stop of task {Task} has kept the supervisor busy for {Seconds} seconds; "
                        + "the run is ended",
                    engine.BusyWith.Value, Patience * Tick.TotalSeconds));

                // Not left to the kernel, which does it when the thread that sleeps has ended.
                engine.KillAllFromOutside();
                HostProcess.ExitNow(ExitStatus.Setup);
            }
        }
    }

    private void KillOwner(long busy)
    {
        HostTid task = engine.BusyWith;
        if (engine.BusySince == busy && task.Value > 0)
        {
            HostProcess.Kill(task.Value, SIGKILL);
            Say(() => log.Error(
                "task {Task} was killed: its memory kept the supervisor waiting for {Seconds} "
                    + "seconds", task.Value, MemoryPatience * Tick.TotalSeconds));
        }
    }

    private void KillAll()
    {
        endRun($"memory of task {engine.BusyWith} kept the supervisor waiting");
        engine.KillAllFromOutside();
    }

    /// <summary>Standard error may be full, and nobody there to read it.</summary>
    private static void Say(Action message)
    {
        var speaker = new Thread(() => message(), 256 * 1024) { IsBackground = true };
        speaker.Start();
        speaker.Join(MessagePatience);
    }
}
