using System.Collections.Generic;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Seccomp;

/// <summary>A place in a filter that jumps can go to.</summary>
internal sealed class FilterLabel
{
    /// <summary>The instruction it stands before; -1 until it is bound.</summary>
    public int At { get; set; } = -1;
}

/// <summary>
/// Puts classic BPF together: seccomp(2). Jumps name labels; their distances, of which the short
/// form holds 255, are worked out at the end.
/// </summary>
internal sealed class FilterAssembler
{
    private const int ShortMost = byte.MaxValue;

    /// <summary>Room for the lines of a filter as it is most often.</summary>
    private const int Usual = 256;
    private const uint FirstArgument = 16;
    private const uint ArgumentSize = 8;
    private const uint HighHalf = 4;
    private readonly List<Line> _lines = new(Usual);
    private readonly SortedDictionary<uint, FilterLabel> _answers = [];

    /// <summary>Loads the number of the call.</summary>
    public void LoadNumber() => Load(0);

    /// <summary>Loads the architecture.</summary>
    public void LoadArchitecture() => Load(4);

    /// <summary>Loads one half of an argument.</summary>
    /// <param name="index">Which argument, from 0.</param>
    /// <param name="high">The upper half instead of the lower.</param>
    public void LoadArgument(int index, bool high = false) =>
        Load(FirstArgument + ((uint)index * ArgumentSize) + (high ? HighHalf : 0));

    /// <summary>Keeps only some bits of what was loaded.</summary>
    public void And(uint mask) => _lines.Add(new(BPF_ALU | BPF_AND | BPF_K, mask, null, null));

    /// <summary>
    /// Compares what was loaded (BPF_JEQ, BPF_JGE, BPF_JSET); null goes on with the next.
    /// </summary>
    public void Jump(int test, uint value, FilterLabel? yes, FilterLabel? no = null) =>
        _lines.Add(new(BPF_JMP | test | BPF_K, value, yes, no));

    /// <summary>Ends with an action.</summary>
    public void Return(uint action) => _lines.Add(new(BPF_RET | BPF_K, action, null, null));

    /// <summary>The place that ends with an action; there is one for each.</summary>
    public FilterLabel Answer(uint action)
    {
        if (!_answers.TryGetValue(action, out FilterLabel? label))
        {
            label = new FilterLabel();
            _answers.Add(action, label);
        }

        return label;
    }

    /// <summary>Puts a label here.</summary>
    public void Bind(FilterLabel label) => label.At = _lines.Count;

    /// <summary>The finished program.</summary>
    public sock_filter[] Finish()
    {
        foreach ((uint action, FilterLabel label) in _answers)
        {
            Bind(label);
            Return(action);
        }

        var isLong = new bool[_lines.Count];
        int[] starts = Starts(isLong);
        for (int i = 0; i < _lines.Count; i++)
        {
            // A line that grows moves all behind it, so the others are measured anew.
            if (!isLong[i] && _lines[i].IsJump && IsFar(i, starts))
            {
                isLong[i] = true;
                starts = Starts(isLong);
                i = -1;
            }
        }

        var program = new List<sock_filter>(starts[^1]);
        for (int i = 0; i < _lines.Count; i++)
        {
            Emit(program, i, isLong[i], starts);
        }

        Invariant.Check(program.Count <= BPF_MAXINSNS, "a filter fits into the kernel's limit");
        return [.. program];
    }

    private void Load(uint offset) =>
        _lines.Add(new(BPF_LD | BPF_W | BPF_ABS, offset, null, null));

    private int[] Starts(bool[] isLong)
    {
        var starts = new int[_lines.Count + 1];
        for (int i = 0; i < _lines.Count; i++)
        {
            starts[i + 1] = starts[i] + (isLong[i] ? 3 : 1);
        }

        return starts;
    }

    private bool IsFar(int line, int[] starts) =>
        Distance(_lines[line].Yes, line, 1, starts) > ShortMost
        || Distance(_lines[line].No, line, 1, starts) > ShortMost;

    private static int Distance(FilterLabel? target, int line, int length, int[] starts)
    {
        int goal = target is null ? line + 1 : target.At;
        Invariant.Check(goal > line, "a filter only jumps forward, to labels that are bound");
        return starts[goal] - (starts[line] + length);
    }

    private void Emit(List<sock_filter> program, int i, bool isLong, int[] starts)
    {
        Line line = _lines[i];
        if (!line.IsJump)
        {
            program.Add(new() { code = (ushort)line.Code, k = line.Value });
        }
        else if (!isLong)
        {
            program.Add(new()
            {
                code = (ushort)line.Code,
                k = line.Value,
                jt = (byte)Distance(line.Yes, i, 1, starts),
                jf = (byte)Distance(line.No, i, 1, starts),
            });
        }
        else
        {
            program.Add(new() { code = (ushort)line.Code, k = line.Value, jf = 1 });
            program.Add(Always(Distance(line.Yes, i, 2, starts)));
            program.Add(Always(Distance(line.No, i, 3, starts)));
        }
    }

    private static sock_filter Always(int distance) =>
        new() { code = BPF_JMP | BPF_JA, k = (uint)distance };

    private readonly record struct Line(int Code, uint Value, FilterLabel? Yes, FilterLabel? No)
    {
        public bool IsJump => (Code & 7) == BPF_JMP;
    }
}
