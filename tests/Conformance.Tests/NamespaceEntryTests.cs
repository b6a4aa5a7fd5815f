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
        "-p", "default", "--set", "creation.allow=CLONE_NEWUTS", "--set", "creation.entry.setns=allow",
    ];

    [RootFact]
    public void A_namespace_is_entered_by_what_it_is_not_by_what_is_said()
    {
        Assert.Equal(
            "uts entered, uts as 0 entered, net entered, net as 0 entered\n",
            Enter(pid => Shell.Run("/", null, Guests.Path("setnsrace"), pid)));
        Assert.Equal(
            "uts entered, uts as 0 entered, net EPERM, net as 0 EPERM\n",
            Enter(pid => Sandboxed(["-q", .. Uts], pid)));
        Assert.Equal(
            "uts entered, uts as 0 entered, net EPERM, net as 0 EPERM\n", Enter(pid => Sandboxed(Uts, pid)));
    }

    [RootFact]
    public void A_descriptor_that_is_changed_under_the_call_lets_nobody_in()
    {
        Assert.Equal(
            "escaped 3\n", Enter(pid => Shell.Run("/", null, Guests.Path("setnsrace"), pid, "race")));
        Assert.Equal("escaped 0\n", Enter(pid => Sandboxed(["-q", .. Uts], pid, "race")));
    }

    private static Outcome Sandboxed(string[] options, params string[] arguments)
    {
        using var place = new Workplace();
        return Product.Run(place, options, [Guests.Path("setnsrace"), .. arguments]);
    }

    /// <summary>Runs something with the id of a process that has namespaces of its own.</summary>
    private static string Enter(Func<string, Outcome> run)
    {
        using Process other = Shell.Start("/", "unshare", "--net", "--uts", "cat");
        try
        {
            string pid = other.Id.ToString();
            string own = Path.GetFileName(new FileInfo("/proc/self/ns/net").LinkTarget!);
            Assert.True(SpinWait.SpinUntil(
                () => new FileInfo($"/proc/{pid}/ns/net").LinkTarget != own, TimeSpan.FromSeconds(20)));
            return run(pid).Out;
        }
        finally
        {
            other.StandardInput.Close();
            other.WaitForExit(Shell.Patience);
        }
    }
}
