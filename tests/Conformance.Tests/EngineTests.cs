using System;
using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>What a guest can see of a creation is what it sees natively.</summary>
[Collection("engine")]
public sealed class EngineTests
{
    private static readonly string[] Verified = ["-q", "-p", "permissive", "--verify"];

    [Theory]
    [InlineData("registers", "call 2: parent 0 child 0")]
    [InlineData("family", "pidfd 9 1")]
    [InlineData("stops", "continued 2000")]
    [InlineData("waits", "epoll 0 0")]
    [InlineData("thread_exec", "from a thread")]
    [InlineData("zombie_leader", "from behind a zombie leader 4")]
    [InlineData("group_exit", "")]
    [InlineData("limits", "fork")]
    [InlineData("death", "adopted 12")]
    public void Creation_looks_as_it_does_natively(string question, string expected)
    {
        Outcome native = Twice.Same(false, Guests.Path("engine"), question);
        Assert.Contains(expected, native.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_call_gives_the_errno_that_the_kernel_gives()
    {
        Outcome table = Twice.Same(false, Guests.Path("clonecalls"));
        Assert.Equal(54, table.Out.Count(c => c == '\n'));
    }

    [Fact]
    public void What_guests_may_not_do_is_refused_as_documented()
    {
        using var place = new Workplace();
        Outcome outcome = Product.Run(place, Twice.Permissive, Guests.Path("engine"), "sandboxed");

        // SIGSYS from the filter; or SIGSEGV, where the host faults this way in for everybody.
        string native = Shell.Run(place.Path, null, Guests.Path("engine"), "int80").Out;
        string ending = native == "int 0x80 3011\n" ? native : "int 0x80 3031\n";
        Assert.Equal(
            """
            listener EBUSY
            x32 ENOSYS
            io_uring EPERM
            TIOCSTI EPERM
            no_new_privs 1
            clear ENOSYS
            own filter -1 77

            """ + ending, outcome.Out);
    }

    [Fact]
    public void A_guest_starts_as_a_shell_would_start_it()
    {
        string guest = Guests.Path("startstate");
        using var place = new Workplace();
        string script = "umask 027; ulimit -Sn 100; trap '' USR2; \"$@\" \"$(printf 'bad\\377utf')\"";
        Outcome native = Shell.Run(
            place.Path, null, "env", $"ODD={(char)0xe9}", "bash", "-c", script, "-", "env", guest, "a b", "");
        Outcome sandboxed = Shell.Run(
            place.Path, null, "env", $"ODD={(char)0xe9}", "bash", "-c", script, "-", Product.Sandbox,
            "run", "-q", "-p", "permissive", "--", "env", guest, "a b", "");
        Assert.Equal(0, native.Status);
        Assert.Contains("signal 12 ignored", native.Out, StringComparison.Ordinal);
        Assert.Contains("limit 7 100 ", native.Out, StringComparison.Ordinal);
        Assert.Equal(Without(native.Out), Without(sandboxed.Out));
        Assert.Equal(
            ["fd 0", "fd 1", "fd 2"],
            sandboxed.Out.Split('\n').Where(l => l.StartsWith("fd ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Only_descriptors_that_are_asked_for_reach_a_guest()
    {
        using var place = new Workplace();
        string run = $"{Product.Sandbox} run -q -p permissive";
        string guest = "-- " + Guests.Path("startstate");
        string Said(string script) => string.Join(' ', Shell.Run(place.Path, null, "bash", "-c", script)
            .Out.Split('\n').Where(l => l.StartsWith("fd ", StringComparison.Ordinal)));
        Assert.Equal("fd 0 fd 1 fd 2", Said($"{run} {guest} 5</dev/null 7</dev/null"));
        Assert.Equal("fd 0 fd 1 fd 2 fd 7", Said($"{run} --fd 7 {guest} 5</dev/null 7</dev/null"));
        Assert.Equal("fd 1 fd 2", Said($"{run} {guest} <&-"));
    }

    [Theory]
    [InlineData("forks", "10000")]
    [InlineData("threads", "2000")]
    [InlineData("vforks", "1000")]
    [InlineData("storm", "2000")]
    public void Many_creations_all_succeed(string guest, string count)
    {
        Outcome outcome = Twice.Same(false, Guests.Path(guest), count);
        Assert.StartsWith(count, outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void The_model_of_tasks_agrees_with_the_kernel()
    {
        Outcome tree = Twice.Same(Verified, false, null, Guests.Path("modeltree"));
        Assert.Equal("22 24\n", tree.Out);
        Twice.Same(Verified, false, null, Guests.Path("threads"), "200");
        Twice.Same(Verified, false, null, Guests.Path("vforks"), "100");
        Twice.Same(
            Verified, true, null, "bash", "-c", "for i in 1 2 3 4; do (echo $i | cat) & done; wait");
    }

    [Fact]
    public void Orphans_of_a_double_fork_keep_the_model_right()
    {
        using var place = new Workplace();
        Outcome outcome = Product.Run(
            place, Verified, "bash", "-c", "for i in $(seq 50); do (sleep 0.01 &) ; done; wait; echo ok");
        Assert.Equal("ok\n", outcome.Out);
        Assert.Equal(0, outcome.Status);
    }

    [Fact]
    public void Namespaces_of_new_tasks_agree_with_the_kernel()
    {
        Outcome tree = Twice.Same(Verified, false, null, Guests.Path("namespaces"));
        Assert.Contains("user ", tree.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void What_each_flag_does_is_what_it_does_natively()
    {
        using var place = new Workplace();
        string guest = Guests.Path("cloneeffects");
        string[] native = Shell.Run(place.Path, null, guest).Out.Split('\n');
        string[] sandboxed = Product.Run(place, Twice.Permissive, guest).Out.Split('\n');
        Assert.InRange(native.Length, 300, 1000);

        // What the register form of clone cannot carry is refused, and only that.
        string[] carried = [.. native.Where((_, i) =>
            !sandboxed[i].StartsWith("clone3 0x101000 ", StringComparison.Ordinal))];
        Assert.Equal(native.Length - 1, carried.Length);
        Assert.Equal(carried, sandboxed.Where(l => !l.EndsWith(": ENOSYS", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_fault_ends_the_init_of_a_pid_namespace()
    {
        using var place = new Workplace();
        Assert.Equal("signal 11\n", Shell.Run(place.Path, null, Guests.Path("nsinit")).Out);
        Outcome ended = Product.Run(
            place, [.. Twice.Permissive, "--timeout", "20s"], Guests.Path("nsinit"));
        Assert.Equal("signal 9\n", ended.Out);
        Twice.Same(false, Guests.Path("nsinit"), "handled");
    }

    [Fact]
    public void Callers_killed_in_the_middle_of_a_call_leave_no_trace()
    {
        Outcome killed = Twice.Same(Verified, false, null, Guests.Path("killer"), "400");
        Assert.Equal("done\n", killed.Out);
    }

    [Fact]
    public void A_child_of_a_living_caller_goes_to_no_dead_one_however_late_the_supervisor_is()
    {
        using var place = new Workplace();
        Outcome starved = Product.Run(
            place, ["-q", "-p", "permissive", "--timeout", "100s"], Guests.Path("starved"), "60");
        Assert.Equal("all came back\n", starved.Out);
        Assert.Equal(0, starved.Status);
    }

    [Fact]
    public void An_exec_while_other_threads_fork_loses_nothing()
    {
        Outcome raced = Twice.Same(Verified, false, null, Guests.Path("execrace"), "200");
        Assert.Equal("done\n", raced.Out);
    }

    [Fact]
    public void A_struct_that_is_flipped_meanwhile_never_gives_more_than_was_checked()
    {
        using var place = new Workplace();

        // The model holds what was checked; --verify ends the run when a child has anything else.
        Outcome raced = Product.Run(place, Verified, Guests.Path("flip"), "3000");
        Assert.Equal(0, raced.Status);
        Assert.Equal("old namespaces 1, new namespaces 1\n", raced.Out);
    }

    private static string Without(string text) => string.Join('\n', text.Split('\n').Where(
        l => !l.StartsWith("fd ", StringComparison.Ordinal)
            && !l.StartsWith("env _=", StringComparison.Ordinal)));
}
