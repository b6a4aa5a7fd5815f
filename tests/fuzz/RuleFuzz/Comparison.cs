using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Rules;

namespace RuleFuzz;

/// <summary>Holds the rules against the running kernel.</summary>
internal sealed class Comparison
{
    private const int Batch = 512;
    private const int Retries = 3;

    /// <summary>From so many calls on every small set of flags is among them.</summary>
    private const long Complete = 100_000;

    private const int MostShown = 40;
    private readonly string[] _prober;
    private readonly Pipeline? _sandbox;
    private readonly Machine _machine = new();
    private readonly int _pidMax = int.Parse(File.ReadAllText("/proc/sys/kernel/pid_max"));
    private readonly string? _cgroup = Environment.IsPrivilegedProcess ? MakeCgroup() : null;
    private readonly SortedDictionary<string, long> _answers = new(StringComparer.Ordinal);

    /// <summary>Prepares a comparison.</summary>
    /// <param name="prober">The prober.</param>
    /// <param name="under">The sandbox's command that it is run under; empty for none.</param>
    public Comparison(string prober, string[] under)
    {
        _prober = [.. under, prober];
        _sandbox = under.Length > 0 ? new Pipeline(_machine, Host) : null;
    }

    /// <summary>The running kernel.</summary>
    public HostFacts Host { get; } = ReadHost();

    public long Calls { get; private set; }

    public int Mismatches { get; private set; }

    /// <summary>Rules of which it is not known whether this kernel has them, and its answer.</summary>
    public SortedDictionary<string, string> Unseen { get; } = new(StringComparer.Ordinal);

    /// <summary>Every small set of flags, then random calls, over all states.</summary>
    public void Fuzz(int seed, long wanted)
    {
        State[] states = [.. State.All.Where(s => Environment.IsPrivilegedProcess
            ? s.Name != "plain" : !s.NeedsRoot)];
        try
        {
            for (int i = 0; i < states.Length; i++)
            {
                Run(states[i], Calls(states[i], (seed * 100) + i, wanted / states.Length));
            }
        }
        finally
        {
            if (_cgroup is not null)
            {
                Directory.Delete(_cgroup);
            }
        }

        foreach ((string answer, long count) in _answers)
        {
            Console.WriteLine($"  {answer,-12} {count,9}");
        }

        IEnumerable<Record> Calls(State state, int from, long most)
        {
            EntryPoint[] entries = state.Name is "root" or "plain" or "unprivileged" or "userns"
                ? [EntryPoint.Clone, EntryPoint.Clone3, EntryPoint.Unshare] : [];
            int stride = (int)Math.Max(1, Complete / wanted);
            IEnumerable<Record> all = entries.SelectMany(Draw.Exhaustive)
                .Where((_, i) => i % stride == from % stride)
                .Concat(state.Namespaces ? Draw.Installed() : []);
            var draw = new Draw(from);
            return all.Concat(Enumerable.Range(0, (int)most).Select(_ => draw.Next(state)));
        }
    }

    /// <summary>Single calls as a mismatch printed them.</summary>
    public void Replay(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            string[] parts = line.Split(':');
            State state = State.All.First(s => s.Name == parts[0]);
            if (state.NeedsRoot && !Environment.IsPrivilegedProcess)
            {
                Console.WriteLine($"  {state.Name}: left out, it needs root");
                continue;
            }

            Run(state, [Record.Parse(parts[1])]);
        }
    }

    private static string? MakeCgroup()
    {
        string? root = File.ReadLines("/proc/self/mounts").Select(l => l.Split(' '))
            .FirstOrDefault(f => f[2] == "cgroup2")?[1];
        return root is null ? null
            : Directory.CreateDirectory(
                Path.Combine(root, $"rulefuzz-{Environment.ProcessId}")).FullName;
    }

    private static HostFacts ReadHost()
    {
        string[] release = File.ReadAllText("/proc/sys/kernel/osrelease").Split('.', '-', '+');
        const string debian = "/proc/sys/kernel/unprivileged_userns_clone";
        bool open = !File.Exists(debian) || File.ReadAllText(debian).Trim() != "0";
        bool fiveLevels = File.ReadLines("/proc/cpuinfo")
            .First(l => l.StartsWith("flags", StringComparison.Ordinal)).Split(' ').Contains("la57");
        int patch = int.TryParse(release.ElementAtOrDefault(2), out int third) ? third : 0;
        return new(new(int.Parse(release[0]), int.Parse(release[1]), patch), open, fiveLevels);
    }

    private void Run(State state, IEnumerable<Record> calls)
    {
        using var prober = new Prober(_prober, state.Name, _cgroup);
        foreach (Record[] batch in calls.Chunk(Batch))
        {
            int[] answers = prober.Ask(batch);
            for (int i = 0; i < batch.Length; i++)
            {
                Compare(prober, state, batch[i], answers[i]);
            }
        }

        Console.WriteLine($"  {state.Name}: {Calls} calls so far, {Mismatches} mismatches");
    }

    private void Compare(Prober prober, State state, in Record record, int answer)
    {
        Calls++;
        var facts = new Facts(state, record, _pidMax, _cgroup is not null);
        Errno? expected = _machine.Judge(record, facts, Host, out string by, out bool versioned);
        if (_sandbox?.Refuses(record, facts) is { } refusal)
        {
            (expected, by, versioned) = (refusal.Errno, refusal.Rule, false);
        }

        string kernel = Name(answer);
        _answers[kernel] = _answers.GetValueOrDefault(kernel) + 1;
        if (versioned)
        {
            Unseen[by] = kernel;
            return;
        }

        for (int again = 0; again < Retries && expected != (Errno)answer; again++)
        {
            // A chosen tid can be taken by somebody else in between: ask the kernel once more.
            answer = prober.Ask([record])[0];
        }

        if (expected == (Errno)answer)
        {
            return;
        }

        Mismatches++;
        if (Mismatches <= MostShown)
        {
            string rules = expected is { } errno ? Name((int)errno) : "cannot say";
            Console.WriteLine($"MISMATCH {state.Name}: kernel {Name(answer)}, rules {rules} ({by}): "
                + record.Explain());
            Console.WriteLine($"  replay {state.Name}:{record.Describe()}");
        }
    }

    private static string Name(int answer) => answer == 0 ? "success" : ((Errno)answer).ToString();
}
