using System;
using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>No other way into the kernel leads past the filter, and all are traced.</summary>
[Collection("engine")]
public sealed class EscapeCallTests
{
    private static readonly string[] Default = ["-q", "-p", "processes"];

    [Fact]
    public void A_64_bit_program_makes_no_task_by_int_0x80()
    {
        using var place = new Workplace();
        string guest = Guests.Escape("ways");
        string native = Shell.Run(place.Path, null, guest, "int80").Out;
        Outcome run = Product.Run(place, Twice.Permissive, guest, "int80");
        Assert.Equal(6, native.Count(c => c == '\n'));

        // Where the host faults this way in for everybody, it does so here; else SIGSYS comes.
        string[] expected = [.. native.Split('\n').Select(line =>
            line.EndsWith("signal 11", StringComparison.Ordinal) || line.Length == 0 ? line
                : line.Split(':')[0] + ": signal 31")];
        Assert.Equal(expected, run.Out.Split('\n'));
    }

    [Fact]
    public void A_32_bit_program_dies_at_its_first_call()
    {
        using var place = new Workplace();
        string guest = Guests.Escape(
            "abi32", "-m32", "-nostdlib", "-static", "-ffreestanding", "-fno-stack-protector",
            "-fno-pie", "-no-pie");
        Outcome native = Shell.Run(place.Path, null, "sh", "-c", guest);
        Outcome run = Product.Run(place, Twice.Permissive, guest);
        Assert.Empty(run.Out);
        if (native.Out.StartsWith("alive", StringComparison.Ordinal))
        {
            Assert.Contains("made", native.Out, StringComparison.Ordinal);
            Assert.Equal(128 + 31, run.Status);
        }
        else
        {
            // The host runs no such programs at all.
            Assert.NotEqual(0, run.Status);
        }
    }

    [NamespacesFact]
    public void Numbers_and_flags_with_other_bits_are_refused_or_judged_as_without()
    {
        using var place = new Workplace();
        string guest = Guests.Escape("ways");
        Reported run = Reported.Run(place, Default, guest, "numbers");
        Assert.Equal(
            """
            x32 clone: ENOSYS
            x32 fork: ENOSYS
            x32 vfork: ENOSYS
            x32 clone3: ENOSYS
            x32 ptrace: ENOSYS
            negative: ENOSYS
            none: ENOSYS
            high number clone: EPERM
            high number clone3: EPERM
            high number unshare: EPERM
            high flags clone: EPERM
            high number fork: made

            """, run.Outcome.Out);
        Assert.Equal(run.Outcome.Out, Product.Run(place, Default, guest, "numbers").Out);
        Assert.Equal(
            3, run.Named("clone").Count(e => Reported.Text(e, "verdict") == "deny"
                && Reported.Flags(e, "flags") == "CLONE_NEWUSER"));
        Assert.Equal("deny", Reported.Text(Assert.Single(run.Named("namespace")), "verdict"));
    }

    [NamespacesFact]
    public void A_task_that_asks_not_to_be_traced_is_and_so_are_its_children()
    {
        using var place = new Workplace();
        string guest = Guests.Escape("ways");
        Reported run = Reported.Run(place, Default, guest, "untraced");
        string[] lines = run.Outcome.Out.TrimEnd('\n').Split('\n');
        Assert.Equal(8, lines.Length);
        Assert.All(lines, line => Assert.EndsWith(": 0", line, StringComparison.Ordinal));
        Assert.Equal(8, run.Named("clone").Count(e => Reported.Text(e, "verdict") == "allow"
            && Reported.Flags(e, "flags").Contains("TRACE", StringComparison.Ordinal)
            && !Reported.Flags(e, "flags_run").Contains("TRACE", StringComparison.Ordinal)));
        Assert.Contains(": 7", Shell.Run(place.Path, null, guest, "untraced").Out);
    }

    [Fact]
    public void A_dispatcher_of_the_guests_own_does_not_come_between()
    {
        using var place = new Workplace();
        Outcome run = Product.Run(place, Default, Guests.Escape("ways"), "dispatch");
        Assert.Equal("dispatch 0: open EPERM, from its handler EPERM\n", run.Out);
    }

    [Fact]
    public void Io_uring_terminal_input_and_foreign_descriptors_are_shut_for_every_guest()
    {
        using var place = new Workplace();
        string command = string.Join(' ', Product.Sandbox, "run", "-q", "-p", "permissive",
            "--events", place.File("events"), "--result", place.File("result"), "--",
            Guests.Escape("doors"));
        Outcome run = Shell.Run(
            place.Path, null, "bash", "-c", command + " 3</dev/null 9>/dev/null");
        Assert.Equal(
            """
            setup: EPERM
            setup with a kernel thread: EPERM
            enter: EPERM
            register: EPERM
            terminal 0: EPERM
            terminal 1: EPERM
            terminal 2: EPERM
            terminal 3: EPERM
            terminal 4: EPERM
            descriptor of three
            descriptor of three
            descriptor of three

            """, run.Out);
    }

    [Fact]
    public void Bad_structs_and_pointers_get_what_the_kernel_gives()
    {
        Outcome table = Twice.Same(false, Guests.Escape("pointers"));
        Assert.InRange(table.Out.Count(c => c == '\n'), 300, 1000);
    }
}
