using System;
using System.Diagnostics;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using Interpose.Abi;
using Policies;
using Sandbox.Explain;
using static Interpose.Abi.Uapi;

namespace Sandbox.Tests;

/// <summary>Calls as persons write them.</summary>
public sealed class CallTextTests
{
    private const ulong StructAt = 0x10000;

    [Theory]
    [InlineData("fork", EntryPoint.Fork)]
    [InlineData("fork()", EntryPoint.Fork)]
    [InlineData(" vfork ( ) ", EntryPoint.Vfork)]
    [InlineData("clone", EntryPoint.Clone)]
    [InlineData("clone3()", EntryPoint.Clone3)]
    [InlineData("unshare", EntryPoint.Unshare)]
    [InlineData("setns\t(\n)", EntryPoint.Setns)]
    public void A_call_needs_no_arguments(string text, EntryPoint entry)
    {
        CallText call = Parse(text);
        Assert.Equal(entry, call.Entry);
        ulong[] expected = entry == EntryPoint.Clone3 ? [StructAt, 88, 0, 0, 0] : new ulong[5];
        Assert.Equal(expected, call.Arguments);
    }

    [Theory]
    [InlineData("clone(CLONE_VM|CLONE_FS|SIGCHLD)", 0x311, 0, 0, 0, 0)]
    [InlineData("clone(flags=0x100 | 17, stack=0x7000, parent_tid=1, child_tid=2, tls=3)",
        0x111, 0x7000, 1, 2, 3)]
    [InlineData("clone(tls=18446744073709551615, pidfd=8)", 0, 0, 8, 0, ulong.MaxValue)]
    [InlineData("unshare(CLONE_NEWUSER|CLONE_NEWTIME)", 0x1000_0080, 0, 0, 0, 0)]
    [InlineData("setns(3, CLONE_NEWNET)", 3, 0x4000_0000, 0, 0, 0)]
    [InlineData("setns(flags=CLONE_NEWNET, fd=3)", 3, 0x4000_0000, 0, 0, 0)]
    [InlineData("setns(flags=CLONE_NEWUTS)", 0, 0x400_0000, 0, 0, 0)]
    [InlineData("clone(0XfF|0)", 0xff, 0, 0, 0, 0)]
    public void Arguments_go_into_registers(
        string text, ulong a0, ulong a1, ulong a2, ulong a3, ulong a4) =>
        Assert.Equal([a0, a1, a2, a3, a4], Parse(text).Arguments);

    [Fact]
    public void The_struct_of_clone3_stands_in_memory()
    {
        CallText call = Parse(
            "clone3(CLONE_NEWUSER|CLONE_INTO_CGROUP, exit_signal=SIGUSR1, pidfd=1, child_tid=2, "
                + "parent_tid=3, stack=4, stack_size=5, tls=6, set_tid=[7, 0x8], cgroup=9)");
        clone_args args = MemoryMarshal.Read<clone_args>(Memory(call, StructAt, 88));
        Assert.Equal(CLONE_NEWUSER | CLONE_INTO_CGROUP, args.flags);
        Assert.Equal((ulong)SIGUSR1, args.exit_signal);
        Assert.Equal((1UL, 2UL, 3UL, 4UL), (args.pidfd, args.child_tid, args.parent_tid, args.stack));
        Assert.Equal((5UL, 6UL, 2UL, 9UL), (args.stack_size, args.tls, args.set_tid_size, args.cgroup));
        Assert.Equal([7, 0, 0, 0, 8, 0, 0, 0], Memory(call, args.set_tid, 8));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(64, 64)]
    [InlineData(100, 100)]
    [InlineData(4096, 4096)]
    [InlineData(5000, 4096)]
    public void The_struct_of_clone3_has_the_size_that_is_said(int size, int readable)
    {
        CallText call = Parse($"clone3(size={size})");
        Assert.Equal((ulong)size, call.Arguments[1]);
        Assert.Equal(Math.Max(readable, 88), Memory(call, StructAt, 9000).Length);
        Assert.Equal(Errno.EFAULT, call.Read(default, StructAt - 1, new byte[1], out _));
        Assert.Equal(Errno.EFAULT, call.Read(default, ulong.MaxValue, new byte[1], out int read));
        Assert.Equal(0, read);
    }

    [Theory]
    [InlineData("", 1, "begins with one of fork, vfork, clone, clone3, unshare, setns")]
    [InlineData("  ", 3, "begins with one of")]
    [InlineData(" unshar()", 2, "did you mean unshare?")]
    [InlineData("launch()", 1, "begins with one of")]
    [InlineData("fork(0)", 6, "fork takes no argument")]
    [InlineData("vfork( flags=1)", 8, "vfork takes no argument")]
    [InlineData("fork() x", 8, "nothing may follow")]
    [InlineData("clone)", 6, "nothing may follow")]
    [InlineData("clone(", 7, "a flag, a signal or a number is missing")]
    [InlineData("clone(CLONE_VM", 15, "',' or ')' is missing")]
    [InlineData("clone(CLONE_VM CLONE_FS)", 16, "',' or ')' is missing")]
    [InlineData("clone(CLONE_VM|)", 16, "a flag, a signal or a number is missing")]
    [InlineData("clone(CLONE_VM|CLONE_NEWUSR)", 16, "did you mean CLONE_NEWUSER?")]
    [InlineData("clone(0x)", 7, "'0x' is no flag, signal or number")]
    [InlineData("clone(18446744073709551616)", 7, "is no flag")]
    [InlineData("clone(-1)", 7, "is missing")]
    [InlineData("clone(1, 2)", 10, "clone takes flags, stack, parent_tid, pidfd, child_tid, tls")]
    [InlineData("clone(1, stak=2)", 10, "did you mean stack?")]
    [InlineData("clone(1, exit_signal=17)", 10, "clone takes flags")]
    [InlineData("clone(1, flags=2)", 10, "flags is there twice")]
    [InlineData("clone(1,, tls=2)", 9, "clone takes flags")]
    [InlineData("clone(flags==1)", 13, "is missing")]
    [InlineData("clone(1, tls=)", 14, "is missing")]
    [InlineData("setns(1, 2, 3)", 13, "setns takes fd, flags")]
    [InlineData("setns(CLONE_NEWUTS)", 7, "setns takes a descriptor first, which is a number")]
    [InlineData("setns(3|CLONE_NEWUTS, 0)", 7, "setns(flags=CLONE_NEWNET) for any")]
    [InlineData("setns(CLONE_NEWUTS, fd=SIGHUP)", 7, "setns takes a descriptor first")]
    [InlineData("unshare(fd=1)", 9, "unshare takes flags")]
    [InlineData("clone3(set_tid=7)", 16, "ids in brackets")]
    [InlineData("clone3(set_tid=[)", 17, "an id is a number of 32 bits")]
    [InlineData("clone3(set_tid=[1 2])", 19, "',' or ']' is missing")]
    [InlineData("clone3(set_tid=[1, 4294967296])", 20, "an id is a number of 32 bits")]
    [InlineData("clone3(set_tid=[1", 18, "',' or ']' is missing")]
    [InlineData("clone3(set_tid=[1], set_tid=[2])", 21, "set_tid is there twice")]
    [InlineData("clone(SIGCHILD)", 7, "'SIGCHILD' is no flag, signal or number; did you mean SIGCHLD?")]
    [InlineData("clone3(exit_signal=SIGFOO)", 20, "'SIGFOO' is no flag, signal or number")]
    [InlineData("clone\u00a0(1)", 6, "nothing may follow")]
    public void What_is_wrong_is_told_with_its_column(string text, int column, string words)
    {
        Assert.Null(CallText.Parse(text, out CallTextError? error));
        Assert.Equal(column, error!.Column);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Lists_and_texts_have_a_most()
    {
        string most = string.Join(',', Enumerable.Range(0, 64));
        Assert.NotNull(CallText.Parse($"clone3(set_tid=[{most}])", out _));
        Assert.Null(CallText.Parse($"clone3(set_tid=[{most},64])", out CallTextError? error));
        Assert.Equal($"clone3(set_tid=[{most}".Length + 1, error!.Column);
        Assert.Contains("at most 64 ids", error.Message, StringComparison.Ordinal);

        string call = "fork()".PadRight(4096);
        Assert.NotNull(CallText.Parse(call, out _));
        Assert.Null(CallText.Parse(call + " ", out error));
        Assert.Equal(1, error!.Column);
    }

    /// <summary>Bounded by a count, and by a time on machines that are slow.</summary>
    [Fact]
    public void Whatever_is_written_is_a_call_or_an_error_with_a_column()
    {
        var random = new Random(2026);
        Policy policy = BuiltinPolicies.Get("default");
        long until = Stopwatch.GetTimestamp() + (10 * Stopwatch.Frequency);
        int calls = 0, errors = 0;
        for (int i = 0; i < 60_000 && Stopwatch.GetTimestamp() < until; i++)
        {
            string text = i % 4 == 0 ? Mutated(random) : Tokens(random, i % 4);
            CallText? call = CallText.Parse(text, out CallTextError? error);
            Assert.True((call is null) != (error is null), text);
            Assert.True(error is null || (error.Column >= 1 && error.Column <= text.Length + 1), text);
            Assert.True(error is null || error.Message.Length > 0, text);
            calls += call is null ? 0 : 1;
            errors += call is null ? 1 : 0;
            if (call is not null && calls % 50 == 0)
            {
                Assert.Contains("verdict", Explanation.Of(call, policy).ToString(), StringComparison.Ordinal);
            }
        }

        Assert.InRange(calls, 100, int.MaxValue);
        Assert.InRange(errors, 100, int.MaxValue);
    }

    private static readonly string[] Pieces =
    [
        "fork", "vfork", "clone", "clone3", "unshare", "setns", "(", ")", "(", ")", ",", "|", "=",
        "[", "]", " ", "flags", "stack", "set_tid", "exit_signal", "size", "fd", "cgroup", "tls",
        "CLONE_VM", "CLONE_NEWUSER", "CLONE_NEWTIME", "SIGCHLD", "0x", "0xffffffffffffffff", "7",
        "18446744073709551616", "\u00e4", "\ud800", "\0", "\n", "-1", "_",
    ];

    private static readonly string[] Calls =
    [
        "clone3(CLONE_NEWUSER|CLONE_VM, exit_signal=SIGCHLD)", "unshare(CLONE_NEWNS|CLONE_FS)",
        "clone(CLONE_VM|17, stack=0x1000, parent_tid=1, child_tid=2, tls=3)", "setns(3, flags=0)",
        "clone3(set_tid=[1, 2], cgroup=3, flags=CLONE_INTO_CGROUP, size=88)", "fork()", "vfork",
    ];

    private static string Tokens(Random random, int kind)
    {
        var text = new StringBuilder(kind == 1 ? Pieces[random.Next(6)] + "(" : "");
        for (int i = random.Next(kind == 3 ? 60 : 12); i > 0; i--)
        {
            text.Append(Pieces[random.Next(Pieces.Length)]);
        }

        return text.ToString();
    }

    private static string Mutated(Random random)
    {
        var text = new StringBuilder(Calls[random.Next(Calls.Length)]);
        for (int i = random.Next(4); i > 0; i--)
        {
            int at = random.Next(text.Length + 1);
            switch (random.Next(3))
            {
                case 0 when at < text.Length:
                    text.Remove(at, random.Next(1, Math.Min(4, text.Length - at) + 1));
                    break;
                case 1:
                    text.Insert(at, Pieces[random.Next(Pieces.Length)]);
                    break;
                default:
                    text.Insert(at, (char)random.Next(1, 300));
                    break;
            }
        }

        return text.ToString();
    }

    private static CallText Parse(string text)
    {
        CallText? call = CallText.Parse(text, out CallTextError? error);
        Assert.True(call is not null, $"{error?.Column}: {error?.Message}");
        return call;
    }

    private static byte[] Memory(CallText call, ulong at, int most)
    {
        byte[] bytes = new byte[most];
        Assert.Equal(Errno.None, call.Read(default, at, bytes, out int read));
        return bytes[..read];
    }
}
