using System;
using System.Linq;
using System.Text.RegularExpressions;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Seccomp;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Tests;

/// <summary>Jumps of any length, and filters in words.</summary>
public sealed class FilterAssemblerTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(254)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(3000)]
    public void A_jump_over_any_number_of_lines_arrives(int between)
    {
        var code = new FilterAssembler();
        var yes = new FilterLabel();
        var no = new FilterLabel();
        code.LoadNumber();
        code.Jump(BPF_JEQ, 7, yes, no);
        Fill(code, between);
        code.Bind(yes);
        code.Return(1);
        code.Bind(no);
        code.Return(2);
        sock_filter[] program = code.Finish();
        Assert.Equal(1u, Answer(program, 7));
        Assert.Equal(2u, Answer(program, 8));
        Assert.Equal(between > 255 - 1 ? 6 + between : 4 + between, program.Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_far_side_leaves_the_other_where_it_was(bool farWhenEqual)
    {
        var code = new FilterAssembler();
        var far = new FilterLabel();
        code.LoadNumber();
        code.Jump(BPF_JEQ, 7, farWhenEqual ? far : null, farWhenEqual ? null : far);
        code.Return(1);
        Fill(code, 400);
        code.Bind(far);
        code.Return(2);
        sock_filter[] program = code.Finish();
        Assert.Equal(farWhenEqual ? 2u : 1u, Answer(program, 7));
        Assert.Equal(farWhenEqual ? 1u : 2u, Answer(program, 8));
    }

    /// <summary>
    /// Each jump alone would be short, but the ones between it and its label grow and push the
    /// label away.
    /// </summary>
    [Fact]
    public void Jumps_that_grow_make_the_jumps_over_them_grow()
    {
        const int Jumps = 200;
        var code = new FilterAssembler();
        FilterLabel[] labels = [.. Enumerable.Range(0, Jumps).Select(_ => new FilterLabel())];
        code.LoadNumber();
        for (int i = 0; i < Jumps; i++)
        {
            code.Jump(BPF_JEQ, (uint)i, labels[i]);
        }

        code.Return(uint.MaxValue);
        for (int i = 0; i < Jumps; i++)
        {
            Fill(code, 2);
            code.Bind(labels[i]);
            code.Return((uint)i + 1000);
        }

        sock_filter[] program = code.Finish();
        Assert.Contains(program, line => line.code == (BPF_JMP | BPF_JA));
        for (int i = 0; i < Jumps; i++)
        {
            Assert.Equal((uint)i + 1000, Answer(program, i));
        }

        Assert.Equal(uint.MaxValue, Answer(program, Jumps));
    }

    [Fact]
    public void Random_programs_run_as_they_were_put_together()
    {
        var random = new Random(7);
        for (int round = 0; round < 50; round++)
        {
            int blocks = random.Next(2, 40);
            var code = new FilterAssembler();
            FilterLabel[] labels = [.. Enumerable.Range(0, blocks).Select(_ => new FilterLabel())];
            (int Yes, int No, uint Test)[] goals = new (int, int, uint)[blocks];
            code.LoadNumber();
            for (int i = 0; i < blocks; i++)
            {
                code.Bind(labels[i]);
                bool last = i == blocks - 1;
                goals[i] = last ? (0, 0, 0)
                    : (random.Next(i + 1, blocks), random.Next(i + 1, blocks), 1U << random.Next(8));
                if (last || random.Next(8) == 0)
                {
                    goals[i] = (0, 0, 0);
                    code.Return((uint)i);
                }
                else
                {
                    (int yes, int no, uint test) = goals[i];
                    code.Jump(BPF_JSET, test, labels[yes], labels[no]);
                }

                Fill(code, random.Next(80));
            }

            code.Return(uint.MaxValue);
            sock_filter[] program = code.Finish();
            for (int number = 0; number < 256; number++)
            {
                int at = 0;
                while (goals[at].Test != 0)
                {
                    at = (number & goals[at].Test) != 0 ? goals[at].Yes : goals[at].No;
                }

                Assert.Equal((uint)at, Answer(program, number));
            }
        }
    }

    [Fact]
    public void An_answer_stands_once_however_many_ask_for_it()
    {
        var code = new FilterAssembler();
        code.LoadArgument(5, high: true);
        code.And(0xff);
        code.Jump(BPF_JEQ, 1, code.Answer(11));
        code.Jump(BPF_JGE, 9, code.Answer(11));
        code.Jump(BPF_JEQ, 2, code.Answer(12), code.Answer(13));
        sock_filter[] program = code.Finish();
        Assert.Equal([11u, 12u, 13u], program.Where(l => (l.code & 7) == BPF_RET).Select(l => l.k));
        foreach ((ulong high, uint answer) in new (ulong, uint)[] { (1, 11), (9, 11), (2, 12), (3, 13), (0x702, 12) })
        {
            var call = new seccomp_data { arg5 = (high << 32) | 0x55 };
            Assert.Equal(answer, FilterEvaluator.Run(program, call, out int steps));
            Assert.InRange(steps, 4, 6);
        }
    }

    [Fact]
    public void A_jump_back_a_jump_nowhere_and_a_program_that_is_too_long_are_bugs()
    {
        var back = new FilterAssembler();
        var label = new FilterLabel();
        back.Bind(label);
        back.Jump(BPF_JEQ, 0, label);
        back.Return(0);
        Assert.Throws<InvariantException>(() => back.Finish());

        var nowhere = new FilterAssembler();
        nowhere.Jump(BPF_JEQ, 0, new FilterLabel());
        nowhere.Return(0);
        Assert.Throws<InvariantException>(() => nowhere.Finish());

        var most = new FilterAssembler();
        Fill(most, BPF_MAXINSNS);
        Assert.Equal(BPF_MAXINSNS, most.Finish().Length);
        Fill(most, 1);
        Assert.Throws<InvariantException>(() => most.Finish());
    }

    [Fact]
    public void A_program_without_an_end_and_an_unknown_line_are_refused_by_the_evaluator()
    {
        sock_filter[] endless = [new() { code = BPF_LD | BPF_W | BPF_ABS, k = 4 }];
        Assert.Throws<InvalidOperationException>(
            () => FilterEvaluator.Run(endless, default, out _));
        sock_filter[] beyond = [new() { code = BPF_LD | BPF_W | BPF_ABS, k = 64 }];
        Assert.Throws<ArgumentException>(() => FilterEvaluator.Run(beyond, default, out _));
        sock_filter[] unknown = [new() { code = 0x87 }];
        Assert.Throws<ArgumentException>(() => FilterEvaluator.Run(unknown, default, out _));
    }

    [Fact]
    public void A_listing_has_a_line_for_each_instruction_with_where_it_goes()
    {
        foreach (Policy policy in RandomPolicies.Some(99, 20))
        {
            sock_filter[] program = CreationFilter.Compile(policy, default);
            string text = FilterListing.Write(program);
            Assert.EndsWith("\n", text, StringComparison.Ordinal);
            string[] lines = text[..^1].Split('\n');
            Assert.Equal(program.Length, lines.Length);
            for (int i = 0; i < lines.Length; i++)
            {
                Match line = Regex.Match(
                    lines[i], @"^ *(\d+): (ld  \[\d+\]|and 0x[0-9a-f]+|ja  \d+|ret 0x[0-9a-f]+"
                        + @"|(?:jeq|jge|jgt|jset) 0x[0-9a-f]+ \? (\d+) : (\d+))( *; \S.*)?$");
                Assert.True(line.Success, lines[i]);
                Assert.Equal($"{i}", line.Groups[1].Value);
                foreach (Group goal in line.Groups.Values.Skip(3).Take(2).Where(g => g.Success))
                {
                    Assert.InRange(int.Parse(goal.Value, null), i + 1, program.Length - 1);
                }
            }
        }
    }

    [Fact]
    public void A_listing_names_calls_flags_and_actions()
    {
        string text = FilterListing.Write(
            CreationFilter.Compile(BuiltinPolicies.Get("default"), default));
        Assert.StartsWith(
            """
               0: ld  [4]                           ; architecture
               1: jeq 0xc000003e ? 3 : 2            ; x86-64
               2: ret 0x80000000                    ; kill the process
               3: ld  [0]                           ; number of the call
            """,
            text, StringComparison.Ordinal);
        foreach (string comment in new[]
        {
            "x32", "fork", "vfork", "clone", "clone3", "unshare", "setns", "seccomp", "ioctl",
            "io_uring_setup", "io_uring_enter", "io_uring_register", "argument 0",
            "argument 0, upper half", "argument 1", "CLONE_THREAD", "CLONE_VFORK", "allow",
            "stop for the supervisor", "kill the process", "EPERM", "ENOSYS", "EBUSY", "EINVAL",
        })
        {
            Assert.Contains($"; {comment}\n", text, StringComparison.Ordinal);
        }
    }

    /// <summary>Lines that nothing arrives at, and that would be noticed.</summary>
    private static void Fill(FilterAssembler code, int lines)
    {
        for (int i = 0; i < lines; i++)
        {
            code.Return(0xdead);
        }
    }

    private static uint Answer(sock_filter[] program, int number) =>
        FilterEvaluator.Run(program, new seccomp_data { nr = number }, out _);
}
