using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// A request gets the same answer by whichever call it comes, and whether the kernel's filter or
/// the supervisor gives it.
/// </summary>
[Collection("programs")]
public sealed class PolicyVerdictTests
{
    private const string Flags = """
        version: 1
        extends: processes
        creation:
          allow: [CLONE_IO]
          deny: {CLONE_FILES: ENOSPC, CLONE_NEWUTS: EDOM, CLONE_NEWUSER: EXDEV}
          otherwise: ENOTTY
        """;

    private const string Shapes = """
        version: 1
        creation:
          allow: ['@fork', CLONE_FILES, CLONE_FS, CLONE_IO, CLONE_NEWUSER, CLONE_NEWUTS]
          deny: {'@vfork': EBUSY}
          otherwise: EXDEV
        """;

    private const string Entries = """
        version: 1
        extends: permissive
        creation:
          entry: {fork: EIO, vfork: ENXIO, clone: EDOM, clone3: ENOSPC, unshare: EBUSY, setns: ERANGE}
        """;

    /// <summary>Debian's own: another first in PATH may be a script that makes processes.</summary>
    private const string Python = "/usr/bin/python3";

    [Fact]
    public void A_denied_flag_gives_its_errno_by_every_call()
    {
        Assert.Equal(
            """
            fork: made made made
            vfork: made made made
            thread: ENOSPC ENOSPC
            files: ENOSPC ENOSPC
            fs and io: ENOTTY ENOTTY
            vfork with files: ENOSPC ENOSPC
            thread with io: ENOSPC ENOSPC
            user: EXDEV EXDEV
            user and uts: EDOM EDOM
            untraced: made made
            sighand alone: EINVAL EINVAL
            mount and fs: EINVAL EINVAL

            """, Seen(Flags, "raw"));
        Assert.Equal(
            """
            fork: made
            vfork: made
            posix_spawn: made
            pthread_create: ENOSPC
            system: made

            """, Seen(Flags, "libc"));
        Assert.Equal(
            """
            unshare files: done
            unshare nothing known: EINVAL
            unshare high: EINVAL
            setns: EPERM
            setns of nothing: EPERM
            unshare user and uts: EDOM

            """, Seen(Flags, "namespaces"));
    }

    [Fact]
    public void A_shape_that_is_denied_or_not_named_is_refused_by_every_call()
    {
        Assert.Equal(
            """
            fork: made made made
            vfork: EBUSY EBUSY EBUSY
            thread: EXDEV EXDEV
            files: made made
            fs and io: made made
            vfork with files: EBUSY EBUSY
            thread with io: EXDEV EXDEV
            user: made made
            user and uts: made made
            untraced: made made
            sighand alone: EINVAL EINVAL
            mount and fs: EINVAL EINVAL

            """, Seen(Shapes, "raw"));
        Assert.Equal(
            """
            fork: made
            vfork: EBUSY
            posix_spawn: EBUSY
            pthread_create: EXDEV
            system: not run

            """, Seen(Shapes, "libc"));
        Assert.EndsWith(
            "unshare user and uts: done\n", Seen(Shapes, "namespaces"),
            System.StringComparison.Ordinal);
    }

    [Fact]
    public void A_closed_call_gives_its_errno_whatever_its_arguments_are()
    {
        string[] lines = Seen(Entries, "raw").TrimEnd('\n').Split('\n');
        Assert.Equal("fork: EIO EDOM ENOSPC", lines[0]);
        Assert.Equal("vfork: ENXIO EDOM ENOSPC", lines[1]);
        Assert.All(lines[2..], l => Assert.EndsWith(": EDOM ENOSPC", l, System.StringComparison.Ordinal));
        Assert.Equal(
            """
            unshare files: EBUSY
            unshare nothing known: EBUSY
            unshare high: EBUSY
            setns: ERANGE
            setns of nothing: ERANGE
            unshare user and uts: EBUSY

            """, Seen(Entries, "namespaces"));
    }

    [Fact]
    public void A_closed_clone_closes_no_call_that_runs_as_clone()
    {
        const string policy =
            "{version: 1, extends: permissive, creation: {entry: {clone: EDOM}}}";
        string[] lines = Seen(policy, "raw").TrimEnd('\n').Split('\n');
        Assert.Equal("fork: made EDOM made", lines[0]);
        Assert.Equal("vfork: made EDOM made", lines[1]);
        Assert.Equal("thread: EDOM made", lines[2]);
    }

    [Theory]
    [InlineData("raw")]
    [InlineData("libc")]
    [InlineData("namespaces")]
    public void Where_all_is_allowed_everything_is_as_natively(string question) =>
        Assert.Equal(
            Shell.Run("/", null, Guests.Path("verdicts"), question).Out,
            Seen("{version: 1, extends: permissive}", question));

    [Theory]
    [InlineData("{'@fork': EPERM}", "Cannot fork", "Operation not permitted", "EPERM")]
    [InlineData("{'@fork': ENOMEM}", "Cannot fork", "Cannot allocate memory", "ENOMEM")]
    public void Shells_and_python_say_which_errno_they_got(
        string deny, string dash, string bash, string python)
    {
        string policy = $"{{version: 1, extends: processes, creation: {{deny: {deny}}}}}";
        Assert.Contains(dash, Said(policy, "dash", "-c", "true | true"), System.StringComparison.Ordinal);
        Assert.Contains(bash, Said(policy, "bash", "-c", "true | true"), System.StringComparison.Ordinal);
        Assert.Contains(
            python, Said(policy, Python, "-c", """
            import errno, os, sys
            try:
                os.fork()
            except OSError as e:
                sys.stderr.write(errno.errorcode[e.errno])
            """), System.StringComparison.Ordinal);
    }

    [Fact]
    public void A_thread_that_is_denied_is_a_python_error_and_programs_still_run()
    {
        const string policy =
            "{version: 1, extends: processes, creation: {deny: {'@thread': EPERM}}}";
        string said = Said(policy, Python, "-c", """
            import subprocess, sys, threading
            try:
                threading.Thread(target=print).start()
            except RuntimeError as e:
                sys.stderr.write(f"{e}; {subprocess.call(['sh', '-c', 'exit 4'])}")
            """);
        Assert.Equal("can't start new thread; 4", said);
    }

    /// <summary>What the guest sees: the same quiet, told of, and with events.</summary>
    private static string Seen(string policy, string question)
    {
        using var place = new Workplace();
        string file = place.Write("policy.yaml", policy);
        string[] command = [Guests.Path("verdicts"), question];
        string[][] ways =
        [
            ["-q"], [], ["-q", "--events", place.File("events")], ["-q", "--result", place.File("r")],
        ];
        Outcome[] seen = [.. ways.Select(w => Product.Run(place, [.. w, "-p", file], command))];
        Assert.All(seen, o => Assert.Equal(seen[0].Out, o.Out));
        Assert.All(seen, o => Assert.Equal(0, o.Status));
        return seen[0].Out;
    }

    /// <summary>What a program says on standard error, the same quiet and with events.</summary>
    private static string Said(string policy, params string[] command)
    {
        using var place = new Workplace();
        string file = place.Write("policy.yaml", policy);
        string quiet = Product.Run(place, ["-q", "-p", file], command).Err;
        Assert.Equal(
            quiet, Product.Run(place, ["-q", "--events", place.File("e"), "-p", file], command).Err);
        return quiet;
    }
}
