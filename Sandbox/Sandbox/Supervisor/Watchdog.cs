using System;
using System.Threading;
using Interpose.Launch;
using Interpose.Ptrace;

namespace Sandbox.Supervisor;

/// <summary>
/// Ends the run when one stop takes far too long, such as a read of guest memory that the guest
/// never lets finish. The kernel kills every guest when the tracer ends.
/// </summary>
internal sealed class Watchdog(PtraceEngine engine)
{
    private const int Patience = 10;
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <summary>Starts to watch, until the process ends.</summary>
    public void Start() =>
        new Thread(Watch, 64 * 1024) { IsBackground = true, Name = "watchdog" }.Start();

    private void Watch()
    {
        // Ticks are counted, not time: while this process is stopped none passes.
        long last = 0;
        int ticks = 0;
        while (true)
        {
            Thread.Sleep(Tick);
            long busy = engine.BusySince;
            ticks = busy != 0 && busy == last ? ticks + 1 : 0;
            last = busy;
            if (ticks >= Patience)
            {
                HostProcess.WriteError(
                    "sandbox: one stop of a guest has kept the supervisor busy for "
                    + $"{Patience} seconds; the run is ended\n");
                HostProcess.ExitNow(ExitStatus.Setup);
            }
        }
    }
}
