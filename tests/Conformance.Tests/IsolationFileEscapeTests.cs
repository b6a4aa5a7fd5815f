using System.IO;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// Attacks on the file view. Each is shown to reach its aim where the protection is missing, and
/// not to reach it in the sandbox.
/// </summary>
[Collection("programs")]
public sealed class IsolationFileEscapeTests
{
    private const string View =
        "{default: ro, paths: {/tmp: tmpfs, '~': hide, .: rw, ./outer/hidden: KIND, ./kept: ro}}";

    private const string Reached = "reached";

    /// <summary>Needs a privilege over the file system, natively too.</summary>
    private const string Handle = "a handle";

    public static TheoryData<Way> Ways => Isolated.Ways;

    public static TheoryData<Way, string> WaysAndKinds
    {
        get
        {
            var data = new TheoryData<Way, string>();
            foreach (Way way in Isolated.AllWays)
            {
                data.Add(way, "hide");
                data.Add(way, "deny");
                data.Add(way, "tmpfs");
            }

            return data;
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(WaysAndKinds))]
    public void No_name_link_or_descriptor_reaches_a_covered_file(Way way, string kind)
    {
        using var place = new Isolated(way);
        string guest = place.Guest("reach");
        string secret = place.Write("outer/hidden/secret", Isolated.Secret);
        Directory.CreateDirectory(place.File("kept"));
        string handle = place.Native(guest, "handle", secret).Out;

        // The parent has a directory open, as a careless caller may.
        string[] command =
            ["sh", "-c", "exec 9</; \"$@\"; true", "sh", guest, secret, place.Path, handle];
        (string What, string Result)[] native = Isolated.Results(place.Native(command));
        Assert.Equal(19, native.Length);
        Assert.All(native, line => Assert.True(
            line.Result == Reached || line.What == Handle, $"{line}"));

        Outcome run = place.Run(["-p", place.Policy(View.Replace("KIND", kind))], command);
        (string What, string Result)[] inside = Isolated.Results(run);
        Assert.True(native.Length == inside.Length, run.ToString());
        Assert.All(inside, line => Assert.True(line.Result != Reached, $"{line}"));
        Assert.Equal(Isolated.Secret, File.ReadAllText(secret));
    }

    [NamespacesTheory]
    [MemberData(nameof(WaysAndKinds))]
    public void No_change_to_mounts_uncovers_a_file_or_makes_one_writable(Way way, string kind)
    {
        using var place = new Isolated(way);
        string guest = place.Guest("mounts");
        string secret = place.Write("outer/hidden/secret", Isolated.Secret);
        string kept = place.Write("kept/file", "as it was\n");
        string[] Attack(string how) => [guest, how, secret, kept, place.Path];

        // Who has the rights over such mounts gets past them in each way.
        const string covers = "mount --bind . . && cd \"$PWD\" && mount -t tmpfs none outer/hidden "
            + "&& mount --bind kept kept && mount -o remount,bind,ro kept && exec \"$@\"";
        string[] owner = ["unshare", "-Urm", "--propagation=private", "sh", "-c", covers, "sh"];
        Outcome native = place.NativeGuest([.. owner, .. Attack("rights")]);
        Assert.True(Isolated.Results(native).Length == 20, native.ToString());
        Assert.All(
            Isolated.Results(native), line => Assert.True(line.Result == Reached, $"{line}"));

        string policy = place.Policy(View.Replace("KIND", kind));
        foreach (string how in new[] { "as-is", "own", "twice" })
        {
            Outcome run = place.Run(["-p", policy], Attack(how));
            Assert.True(Isolated.Results(run).Length == 20, run.ToString());
            Assert.All(
                Isolated.Results(run),
                line => Assert.Matches("^(E[A-Z]+|nothing there)$", line.Result));
        }

        Assert.Equal("as it was\n", File.ReadAllText(kept));
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void A_capability_that_guests_keep_is_none_over_the_mounts_of_the_run(Way way)
    {
        using var place = new Isolated(way);
        string secret = place.Write("outer/hidden/secret", Isolated.Secret);
        string kept = place.Write("kept/file", "as it was\n");
        string policy = place.Policy(
            View.Replace("KIND", "hide"), isolation: ", capabilities: [CAP_SYS_ADMIN]");
        Outcome run = place.Run(
            ["-p", policy], place.Guest("mounts"), "as-is", secret, kept, place.Path);
        (string What, string Result)[] lines = Isolated.Results(run);
        Assert.True(lines.Length == 20, run.ToString());
        Assert.All(lines, line => Assert.True(line.Result != Reached, $"{line}"));

        // It is a capability nevertheless: over what they make.
        Outcome own = place.Run(
            ["-p", policy], "unshare", "-m", "mount", "-t", "tmpfs", "none", place.File("home"));
        Assert.True(own.Status == 0, own.ToString());
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Namespaces_can_be_counted_where_everything_is_read_only(Way way)
    {
        using var place = new Isolated(way);
        string policy = place.Policy("{default: ro}");
        string[] command = ["unshare", "-Uu", "echo", "made"];
        Outcome one = place.Run(
            ["-p", policy, "--set", "creation.namespaces.uts.max=1"], command);
        Assert.Equal("made\n", one.Out);
        Outcome none = place.Run(
            ["-p", policy, "--set", "creation.namespaces.uts.max=0"], command);
        Assert.Equal(string.Empty, none.Out);
        Assert.Contains("No space left on device", none.Err);
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Out_of_a_new_root_there_is_no_way_back(Way way)
    {
        using var place = new Isolated(way);
        string guest = place.Guest("leaveroot", "-static");
        string secret = place.Write("secret", Isolated.Secret);
        string below = Directory.CreateDirectory(place.File("below")).FullName;
        Outcome native = place.NativeGuest(
            "unshare", "-Ur", "sh", "-c", "exec chroot . /leaveroot \"$0\" /below", secret);
        Assert.Equal("out of the root: reached\n", native.Out);
        foreach (string files in new[] { "hide", "deny" })
        {
            string policy = place.Policy($"{{default: {files}, paths: {{./leaveroot: ro, ./below: ro}}}}");
            Outcome plain = place.Run(["-p", policy], guest, secret, below);
            Assert.Equal("out of the root: ENOENT\n", plain.Out);
            Outcome own = place.Run(["-p", policy], guest, secret, below, "own");
            Assert.Equal("out of the root: ENOENT\n", own.Out);
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void A_directory_that_is_handed_over_leads_past_the_view(Way way)
    {
        using var place = new Isolated(way);
        string secret = place.Write("outer/hidden/secret", Isolated.Secret);
        Directory.CreateDirectory(place.File("kept"));
        string policy = place.Policy(View.Replace("KIND", "hide"));
        foreach (bool given in new[] { false, true })
        {
            string[] run = place.Line(
                ["-p", policy, .. given ? ["--fd", "9"] : System.Array.Empty<string>()],
                place.Guest("reach"), secret, place.Path);
            Outcome outcome = Shell.Run(
                place.Path, null, ["bash", "-c", "exec 9</; exec \"$@\"", "bash", .. run]);
            Assert.Equal(
                given, outcome.Out.Contains("inherited descriptors: reached\n"));
            Assert.Contains("dots from here: ENOENT\n", outcome.Out);
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void Nothing_that_guests_leave_runs_with_their_rights_for_others(Way way)
    {
        using var place = new Isolated(way);
        string guest = place.Guest("setid", "-static");
        string files = "{default: ro, paths: {.: rw}}";
        Outcome denied = place.Run(["-p", place.Policy(files)], guest);
        Assert.Equal("0 of 12 ways made one, and 4 of 4 made a plain file\n", denied.Out);
        Outcome allowed = place.Run(
            ["-p", place.Policy(files), "--set", "isolation.set_id=allow"], guest);
        Assert.Equal("12 of 12 ways made one, and 4 of 4 made a plain file\n", allowed.Out);
    }
}
