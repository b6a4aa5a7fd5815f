using System.Linq;
using System.Text.Json;
using Conformance.Harness;

namespace Conformance;

/// <summary>Threads that the kernel lets through unasked, because nothing is to be decided.</summary>
[Collection("engine")]
public sealed class ThreadTests
{
    private static readonly string[] Verified = ["-q", "-p", "permissive", "--verify"];

    [Theory]
    [InlineData("threads", 1000, 0)]
    [InlineData("forks", 300, 300)]
    public void Threads_by_clone_work_as_natively_and_are_counted(
        string question, int threads, int children)
    {
        string guest = Guests.Path("rawthreads");
        string expected = $"threads {threads}, wrong 0, children {children}\n";
        using var place = new Workplace();
        Assert.Equal(expected, Shell.Run(place.Path, null, guest, question, $"{threads}").Out);
        Reported run = Reported.Run(place, Verified, guest, question, $"{threads}");
        Assert.Equal(0, run.Outcome.Status);
        Assert.Equal(expected, run.Outcome.Out);
        Assert.Equal(1 + threads + children, run.Tasks("created"));
        JsonElement[] made = [.. run.Named("clone").Where(e =>
            Reported.Text(e, "entry") == "clone" && Reported.Text(e, "verdict") == "allow"
            && Reported.Flags(e, "flags").Contains("CLONE_THREAD"))];
        Assert.Equal(threads, made.Length);
        Assert.All(made, e => Assert.Equal(
            "creation.allow", Reported.Text(e.GetProperty("rule"), "policy")));
        Assert.Equal(1 + threads + children, run.Named("exit").Length);
    }

    [Theory]
    [InlineData("exec")]
    [InlineData("kill")]
    [InlineData("exit")]
    public void A_process_may_end_in_any_way_while_it_makes_threads(string question)
    {
        Outcome native = Twice.Same(
            Verified, false, null, Guests.Path("rawthreads"), question, "120");
        Assert.Equal($"{question} 120\n", native.Out);
    }

    [Fact]
    public void A_run_ends_while_threads_are_being_made()
    {
        for (int i = 0; i < 10; i++)
        {
            Outcome native = Twice.Same(
                Verified, false, null, Guests.Path("rawthreads"), "end", $"{i}");
            Assert.Equal(7, native.Status);
        }
    }
}
