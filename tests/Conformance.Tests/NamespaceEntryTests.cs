using System;
using System.Diagnostics;
using System.IO;
using System.Threading;
using Conformance.Harness;

namespace Conformance;

/// <summary>setns is judged by what its descriptor is, and by what it really entered.</summary>
[Collection("engine")]
public sealed class NamespaceEntryTests
{
    private static readonly string[] Uts =
    [
        "-p", "processes", "--set", "creation.allow=CLONE_NEWUTS", "--set", "creation.entry.setns=allow",
    ];

    [NamespacesFact]
    public void A_namespace_is_entered_by_what_it_is_not_by_what_is_said()
    {
        Assert.Equal(
            "uts entered, uts as 0 entered, net entered, net as 0 entered\n",
            Enter((inside, pid) => Shell.Run(
                "/", null, [.. inside, Guests.Path("setnsrace"), pid])));
        Assert.Equal(
            "uts entered, uts as 0 entered, net EPERM, net as 0 EPERM\n",
            Enter((inside, pid) => Sandboxed(inside, ["-q", .. Uts], pid)));
        Assert.Equal(
            "uts entered, uts as 0 entered, net EPERM, net as 0 EPERM\n",
            Enter((inside, pid) => Sandboxed(inside, Uts, pid)));
    }

    [NamespacesFact]
    public void A_descriptor_that_is_changed_under_the_call_lets_nobody_in()
    {
        Assert.Equal(
            "escaped 3\n", Enter((inside, pid) => Shell.Run(
                "/", null, [.. inside, Guests.Path("setnsrace"), pid, "race"])));
        Assert.Equal("escaped 0\n", Enter((inside, pid) => Sandboxed(inside, ["-q", .. Uts], pid, "race")));
    }

    [NamespacesFact]
    public void A_namespace_that_is_mounted_is_judged_as_what_it_is()
    {
        string[] deny = ["-q", "-p", "permissive", "--set", "creation.deny.CLONE_NEWUTS=EXDEV"];
        Assert.Equal("0\n", EnterMounted((inside, enter) => Shell.Run("/", null, [.. inside, .. enter])));
        string denied = EnterMounted((inside, enter) => Shell.Run(
            "/", null, [.. inside, Product.Sandbox, "run", .. deny, "--", .. enter]));
        Assert.Equal("1\n", denied);
        Assert.Equal("0\n", EnterMounted((inside, enter) => Shell.Run(
            "/", null, [.. inside, Product.Sandbox, "run", "-q", "-p", "permissive", "--", .. enter])));
    }

    /// <summary>What nsenter(1) comes to by a file on which a namespace is mounted.</summary>
    private static string EnterMounted(Func<string[], string[], Outcome> run)
    {
        using var place = new Workplace();
        string file = place.Write("uts", string.Empty);
        string[] inside = ["unshare", "--user", "--map-root-user", "--mount", "--uts"];
        string[] mounted = ["sh", "-c", $"mount --bind /proc/self/ns/uts {file} && exec \"$@\"", "sh"];
        return run([.. inside, .. mounted], ["sh", "-c", $"nsenter --uts={file} true; echo $?"]).Out;
    }

    private static Outcome Sandboxed(string[] inside, string[] options, params string[] arguments)
    {
        using var place = new Workplace();
        return Shell.Run(
            place.Path, null,
            [.. inside, Product.Sandbox, "run", .. options, "--", Guests.Path("setnsrace"), .. arguments]);
    }

    /// <summary>
    /// Runs something with the id of a process that has namespaces of its own; both in one user namespace, so that it
    /// needs no privileges.
    /// </summary>
    private static string Enter(Func<string[], string, Outcome> run)
    {
        using Process holder = Shell.Start("/", "unshare", "--user", "--map-root-user", "cat");
        try
        {
            string id = $"{holder.Id}";
            Until(() => File.ReadAllText($"/proc/{id}/uid_map").Length > 0 && Differs(id, "user")
                && File.ReadAllText($"/proc/{id}/comm") == "cat\n");
            string[] inside = ["nsenter", "--user", "--preserve-credentials", "--target", id];
            using Process other = Shell.Start("/", [.. inside, "unshare", "--net", "--uts", "cat"]);
            try
            {
                string pid = $"{other.Id}";
                Until(() => Differs(pid, "net") && Differs(pid, "uts"));
                return run(inside, pid).Out;
            }
            finally
            {
                other.StandardInput.Close();
                other.WaitForExit(Shell.Patience);
            }
        }
        finally
        {
            holder.StandardInput.Close();
            holder.WaitForExit(Shell.Patience);
        }
    }

    private static void Until(Func<bool> condition) =>
        Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(20)));

    private static bool Differs(string pid, string type) =>
        new FileInfo($"/proc/{pid}/ns/{type}").LinkTarget != new FileInfo($"/proc/self/ns/{type}").LinkTarget;
}
