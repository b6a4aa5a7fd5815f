using Conformance.Harness;

namespace Conformance;

/// <summary>
/// What a guest can find out about itself and its children is what it finds natively: one guest
/// for each theme, whose lines are compared.
/// </summary>
[Collection("stress")]
public sealed class EqualityTests
{
    private static readonly string[] Verified =
        ["-q", "-p", "permissive", "--verify", "--timeout", "80s"];

    [Theory]
    [InlineData("calls")]
    [InlineData("storm")]
    [InlineData("restart")]
    public void Every_register_is_kept_in_caller_and_child(string question) =>
        Same("equality_registers", question, question == "calls" ? 21 : 1);

    [Theory]
    [InlineData("parents", 9)]
    [InlineData("pointers", 17)]
    [InlineData("signals", 18)]
    [InlineData("pidfds", 14)]
    public void Ids_parents_and_exit_signals_are_as_natively(string question, int lines) =>
        Same("equality_ids", question, lines);

    /// <summary>Before 6.9 the kernel refuses them: a line for each of two calls.</summary>
    [Fact]
    public void A_pidfd_of_a_thread_is_as_natively() => Same("equality_ids", "thread_pidfds", 2);

    [Theory]
    [InlineData("inherit", 15)]
    [InlineData("stacks", 4)]
    [InlineData("robust_lists", 4)]
    [InlineData("rseq", 5)]
    [InlineData("timers", 1)]
    public void A_new_task_has_the_state_that_it_has_natively(string question, int lines) =>
        Same("equality_state", question, lines);

    [Theory]
    [InlineData("alone", 16)]
    [InlineData("threaded", 16)]
    [InlineData("no_stops", 16)]
    [InlineData("unwaited", 3)]
    [InlineData("whose", 18)]
    [InlineData("groups", 16)]
    public void Waits_tell_of_stops_and_ends_as_natively(string question, int lines) =>
        Same("equality_waits", question, lines);

    [Theory]
    [InlineData("orphans", 4)]
    [InlineData("vforks", 3)]
    [InlineData("parent_deaths", 5)]
    [InlineData("reapers", 4)]
    [InlineData("middles", 5)]
    [InlineData("execs", 1)]
    public void Ends_and_execs_in_the_middle_are_seen_as_natively(string question, int lines) =>
        Same("equality_ends", question, lines);

    [Theory]
    [InlineData("ignored", 25)]
    [InlineData("set_to_ignore", 25)]
    [InlineData("blocked", 25)]
    [InlineData("continued", 36)]
    [InlineData("handled", 25)]
    [InlineData("restarted", 25)]
    [InlineData("masks", 2)]
    public void Waiting_calls_end_in_a_storm_of_signals_as_natively(string question, int lines) =>
        Same("equality_signals", question, lines);

    [Theory]
    [InlineData("children", 4)]
    [InlineData("unwaited", 2)]
    [InlineData("threads", 2)]
    [InlineData("memory", 2)]
    [InlineData("limits", 4)]
    [InlineData("clocks", 4)]
    public void Use_is_accounted_to_whom_it_is_natively(string question, int lines) =>
        Same("equality_usage", question, lines);

    private static void Same(string guest, string question, int atLeast)
    {
        Outcome native = Twice.Same(Verified, false, null, Guests.Path(guest), question);
        Assert.Equal(0, native.Status);
        Assert.InRange(native.Out.Split('\n').Length - 1, atLeast, 100);
    }
}
