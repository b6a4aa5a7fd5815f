using System;
using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>Filters, listeners and modes of a guest's own take nothing from the policy.</summary>
[Collection("engine")]
public sealed class EscapeFilterTests
{
    private static readonly string[] Default = ["-q", "-p", "processes"];

    [Fact]
    public void A_listener_of_the_guests_own_is_never_granted()
    {
        using var place = new Workplace();
        string guest = Guests.Escape("filters");
        Assert.Contains("granted", Shell.Run(place.Path, null, guest, "listeners").Out);
        Outcome run = Product.Run(place, Default, guest, "listeners");
        Assert.Equal(
            string.Concat(Enumerable.Range(0, 4).Select(i => $"listener {i}: EBUSY\n")), run.Out);
    }

    [NamespacesFact]
    public void A_filter_of_the_guests_own_can_only_take_away()
    {
        using var place = new Workplace();
        Outcome run = Product.Run(place, Default, Guests.Escape("filters"), "own");

        // An errno of 0 is a lie that the guest tells itself: nothing ran.
        Assert.Equal(
            """
            allow clone: unshare EPERM, clone EPERM, clone3 EPERM, plain done
            log clone: unshare EPERM, clone EPERM, clone3 EPERM, plain done
            forged clone: unshare EPERM, clone EPERM, clone3 EPERM, plain done
            forged clone3: unshare EPERM, clone EPERM, clone3 EPERM, plain done
            forged unshare: unshare EPERM, clone EPERM, clone3 EPERM, plain done
            forged getpid: unshare EPERM, clone EPERM, clone3 EPERM, plain done
            other mark clone: unshare EPERM, clone EPERM, clone3 EPERM, plain ENOSYS
            other mark unshare: unshare EPERM, clone EPERM, clone3 EPERM, plain done
            errno 0 unshare: unshare done, clone EPERM, clone3 EPERM, plain done
            errno 77 clone: unshare EPERM, clone EBADFD, clone3 EPERM, plain EBADFD
            notif clone: unshare EPERM, clone EPERM, clone3 EPERM, plain ENOSYS
            kill clone: ended 1031

            """, run.Out);
    }

    [NamespacesFact]
    public void Where_the_supervisor_tells_of_denials_such_a_filter_gains_nothing_either()
    {
        using var place = new Workplace();
        Reported run = Reported.Run(place, Default, Guests.Escape("filters"), "own");
        string[] lines = [.. run.Outcome.Out.Split('\n').Where(l =>
            !l.StartsWith("errno 0 unshare", StringComparison.Ordinal))];
        Assert.Equal(12, lines.Length);
        Assert.All(lines, line => Assert.DoesNotMatch("(unshare|clone3?) done", line));
        Assert.All(
            run.Named("clone").Where(e => Reported.Text(e, "verdict") == "allow"),
            e => Assert.DoesNotContain("NEWUSER", Reported.Flags(e, "flags_run")));
        Assert.NotEmpty(run.Result.GetProperty("denials").EnumerateArray());
    }

    [Fact]
    public void Threads_that_a_forged_mark_stops_are_judged_and_made()
    {
        using var place = new Workplace();
        Outcome run = Product.Run(place, Twice.Permissive, Guests.Escape("filters"), "threads");
        Assert.Equal("forged threads 200\n", run.Out);
    }

    [Fact]
    public void No_setting_of_prctl_undoes_the_policy()
    {
        using var place = new Workplace();
        string[] games =
        [
            "undumpable", "privileges back", "tracer any", "subreaper", "death signal",
            "seccomp off", "name", "securebits", "mdwe",
        ];
        Outcome run = Product.Run(place, Default, Guests.Escape("filters"), "games");
        Assert.Equal(
            string.Concat(games.Select(g => $"{g}: clone EPERM, kept 1, plain done\n"))
                + "strict: EINVAL\n", run.Out);
    }
}
