using System;
using System.Buffers.Binary;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading.Tasks;

namespace RuleFuzz;

/// <summary>The C program that makes the calls, in one state.</summary>
internal sealed class Prober : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly Process _process;
    private readonly string _state;

    /// <summary>Starts it.</summary>
    /// <param name="command">The program, with what it is run under before it.</param>
    /// <param name="state">The state that it takes.</param>
    /// <param name="cgroup">A directory of cgroup v2 that it may put tasks into.</param>
    public Prober(string[] command, string state, string? cgroup)
    {
        _state = state;
        var start = new ProcessStartInfo(command[0], [.. command[1..], state])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        if (cgroup is not null)
        {
            start.Environment["PROBER_CGROUP"] = cgroup;
        }

        _process = Process.Start(start) ?? throw new InvalidOperationException(command[0]);
    }

    /// <summary>Has calls made; gives an errno each, 0 for a success.</summary>
    public int[] Ask(Record[] records)
    {
        Stream to = _process.StandardInput.BaseStream;
        byte[] count = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(count, (uint)records.Length);
        to.Write(count);
        to.Write(MemoryMarshal.AsBytes<Record>(records));
        to.Flush();
        var answers = new int[records.Length];
        byte[] bytes = new byte[records.Length * sizeof(int)];
        Task read = _process.StandardOutput.BaseStream.ReadExactlyAsync(bytes).AsTask();
        if (!read.Wait(Patience))
        {
            throw new TimeoutException($"the prober in state {_state} does not answer");
        }

        Buffer.BlockCopy(bytes, 0, answers, 0, bytes.Length);
        return answers;
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }
}
