using System;
using System.Diagnostics;
using System.Threading;
using Interpose.Abi;
using Interpose.LibC;
using Interpose.Ptrace;
using static Interpose.Abi.Uapi;

namespace Interpose.Tests;

/// <summary>A wait takes any child of the process, so no other test of children runs beside these.</summary>
[Collection("Waits")]
public sealed class BellTests
{
    private const long Second = 1_000_000_000;
    private static readonly ulong _user = TraceeWaiter.Bit(SIGUSR1);

    [Fact]
    public void No_signal_is_missed_between_a_look_and_the_wait()
    {
        using Process child = Process.Start("/bin/sleep", "60");
        using var bell = new Bell(_user);
        (int pid, int tid) = (Posix.GetPid(), Posix.GetTid());
        const int rounds = 5000;
        int answered = 0;
        var sender = new Thread(() =>
        {
            var random = new Random(1);
            for (int i = 0; i < rounds; i++)
            {
                // Any moment between the last answer and well into the wait.
                Thread.SpinWait(random.Next(2000));
                Native.Quick(__NR_tgkill, pid, tid, SIGUSR1);
                SpinWait.SpinUntil(() => Volatile.Read(ref answered) > i);
            }
        });
        bell.RingAt(TraceeWaiter.Now + (60 * Second));
        sender.Start();
        try
        {
            for (int i = 0; i < rounds; i++)
            {
                Assert.Equal(-(int)Errno.EINTR, Waiting.Any(out _, out _));
                Assert.True(bell.Take(out siginfo_t signal), $"round {i}: only the time came");
                Assert.Equal((SIGUSR1, pid), (signal.si_signo, signal.si_pid));
                Volatile.Write(ref answered, i + 1);
            }
        }
        finally
        {
            Volatile.Write(ref answered, rounds);
            sender.Join();
            End(child);
        }
    }

    [Fact]
    public void A_time_ends_a_wait_and_an_earlier_one_takes_its_place()
    {
        using Process child = Process.Start("/bin/sleep", "60");
        using var bell = new Bell(0);
        long start = TraceeWaiter.Now;
        bell.RingAt(start + (60 * Second));
        bell.RingAt(start + (Second / 20));
        Assert.Equal(-(int)Errno.EINTR, Waiting.Any(out _, out _));
        Assert.False(bell.Take(out _));
        Assert.InRange(TraceeWaiter.Now - start, Second / 20, 50 * Second);

        // One that is over already.
        bell.RingAt(start);
        Assert.Equal(-(int)Errno.EINTR, Waiting.Any(out _, out _));
        End(child);
    }

    [Fact]
    public void A_signal_that_comes_twice_before_it_is_taken_is_one()
    {
        using var bell = new Bell(_user);
        Native.Quick(__NR_tgkill, Posix.GetPid(), Posix.GetTid(), SIGUSR1);
        Native.Quick(__NR_tgkill, Posix.GetPid(), Posix.GetTid(), SIGUSR1);
        Assert.Equal(-(int)Errno.EINTR, Waiting.Any(out _, out _));
        Assert.True(bell.Take(out _));
        Assert.False(bell.Take(out _));
    }

    /// <summary>Until it was waited for as well, the next wait could take its end.</summary>
    private static void End(Process child)
    {
        child.Kill();
        child.WaitForExit();
    }

    [Fact]
    public void A_second_bell_is_refused()
    {
        using var bell = new Bell(0);
        Assert.Throws<InvalidOperationException>(() => new Bell(0));
    }
}
