using System;
using Conformance.Harness;

namespace Conformance;

/// <summary>What a policy takes out of a call or puts in is what the kernel really ran.</summary>
[Collection("programs")]
public sealed class PolicyEffectTests
{
    private const string Shares = "0x80048600";
    private const string Namespaces = "0x14000000";
    private const string Apart =
        ": files apart, directory apart, io apart, semaphores apart, parent the caller, uts shared\n";

    private const string New = """
        fork: new
        vfork: new
        the caller waited and shares its memory: 1
        clone: new
        clone3: new
        clone with CLONE_FS: made
        posix_spawn: new
        system: new
        thread: old

        """;

    private static readonly string Strip = Policy(
        "strip: [CLONE_FILES, CLONE_FS, CLONE_IO, CLONE_SYSVSEM, CLONE_PARENT, '@namespaces']");

    [Fact]
    public void A_child_does_not_share_what_was_stripped()
    {
        const string shared = ": files shared, directory shared, io shared, semaphores shared, "
            + "parent the caller's, uts shared\n";
        Assert.Equal($"clone{shared}clone3{shared}", Run("permissive", "strip", Shares));
        Assert.Equal($"clone{Apart}clone3{Apart}", Run(Strip, "strip", Shares));
    }

    [Fact]
    public void A_child_has_its_callers_namespaces_where_new_ones_were_stripped()
    {
        string apart = Apart.Replace("uts shared", "uts apart", StringComparison.Ordinal);
        Assert.Equal($"clone{apart}clone3{apart}", Run("permissive", "strip", Namespaces));
        Assert.Equal($"clone{Apart}clone3{Apart}", Run(Strip, "strip", Namespaces));
    }

    [Fact]
    public void Unshare_does_not_give_the_namespace_that_was_stripped()
    {
        Assert.Equal("unshare done, uts new\n", Run("permissive", "unshare", Namespaces));
        Assert.Equal("unshare done, uts old\n", Run(Strip, "unshare", Namespaces));
    }

    [Fact]
    public void A_denied_flag_makes_nothing()
    {
        string deny = Policy("deny: {CLONE_FILES: ENOSPC}");
        Assert.Equal("clone: ENOSPC\nclone3: ENOSPC\n", Run(deny, "strip", Shares));
        Assert.Equal("unshare EPERM, uts old\n", Run("processes", "unshare", Namespaces));
    }

    [Fact]
    public void Required_namespaces_come_with_every_process_and_no_thread()
    {
        string policy = Policy(
            "allow: [CLONE_FS], otherwise: EXDEV, require: [CLONE_NEWUSER, CLONE_NEWUTS]");
        string expected = New.Replace("CLONE_FS: made", "CLONE_FS: EXDEV", StringComparison.Ordinal);
        Assert.Equal(expected, Run(policy, "require"));
        Assert.Equal(
            expected,
            Run(policy.Replace("[CLONE_FS]", "[CLONE_FS, '@namespaces']"), "require"));
        Assert.Equal(
            New.Replace("new\n", "old\n", StringComparison.Ordinal), Run("permissive", "require"));
    }

    [Fact]
    public void A_single_required_namespace_comes_with_every_process()
    {
        string policy = Policy("allow: [CLONE_FS], require: [CLONE_NEWUTS]");
        Assert.Equal(New, Run(policy, "require", inside: Privileged));
        Assert.Equal("new\n", Run(policy, "require-shell", inside: Privileged));
    }

    [Fact]
    public void A_single_stripped_namespace_is_not_made()
    {
        string policy = Policy("strip: [CLONE_NEWUTS]");
        Assert.Equal($"clone{Apart}clone3{Apart}", Run(policy, "strip", "0x04000000", Privileged));
        Assert.Equal("unshare done, uts old\n", Run(policy, "unshare", "0x04000000", Privileged));
    }

    [Theory]
    [InlineData("CLONE_NEWNS")]
    [InlineData("CLONE_NEWUSER")]
    public void What_the_kernel_forbids_beside_a_required_flag_gives_otherwise(string required)
    {
        // The call by itself is allowed; with the required flag the kernel would say EINVAL.
        string policy = Policy($"allow: ['@share'], otherwise: EDOM, require: [{required}]");
        using var place = new Workplace();
        string file = place.Write("policy.yaml", policy);
        foreach (string[] way in new string[][] { ["-q"], ["-q", "--events", place.File("events")] })
        {
            Outcome run = Product.Run(place, [.. way, "-p", file], Guests.Path("verdicts"), "raw");
            Assert.Contains("fs and io: EDOM EDOM\n", run.Out, StringComparison.Ordinal);
            Assert.Contains("\nthread: made made\n", run.Out, StringComparison.Ordinal);
        }
    }

    private static string Policy(string creation) =>
        $"{{version: 1, extends: processes, creation: {{{creation}}}}}";

    /// <summary>Where anybody may make any namespace.</summary>
    private static string[] Privileged => ["unshare", "--user", "--map-root-user"];

    private static string Run(
        string policy, string question, string flags = "0", string[]? inside = null)
    {
        using var place = new Workplace();
        bool ships = !policy.StartsWith('{');
        string file = ships ? policy : place.Write("policy.yaml", policy);
        string guest = Guests.Path("effects");
        string[] command = question != "require-shell" ? [guest, question, flags]
            : ["dash", "-c", $"{guest} uts \"$(readlink /proc/self/ns/uts)\" | cat"];
        Outcome run = Shell.Run(
            place.Path, null, [.. inside ?? [], Product.Sandbox, "run", "-q", "-p", file, "--", .. command]);
        Assert.True(run.Status == 0, run.ToString());
        return run.Out;
    }
}
