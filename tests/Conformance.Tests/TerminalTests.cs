using System;
using System.IO;
using Conformance.Harness;

namespace Conformance;

/// <summary>Job control on a real terminal, inside the sandbox and around it.</summary>
[Collection("programs")]
public sealed class TerminalTests
{
    internal const string Inner = """
        < $ 
        > sleep 100\r
        < sleep 100
        > \z
        < Stopped
        > jobs\r
        < Stopped
        > bg\r
        < sleep 100
        > kill %1\r
        > \r
        < Terminated
        > sleep 100\r
        < sleep 100
        > \c
        < $ 
        > echo st=$?\r
        < st=130
        > (sleep 0.3; echo late-$((1+1))) &\r
        < late-2
        > cat\r
        < cat
        > \z
        < Stopped
        > fg\r
        < cat
        > word-a\r
        < word-a
        < word-a
        > \c
        < $ 
        > exit 3\r
        """;

    private const string Outer = """
        < $ 
        > COMMAND sleep 100\r
        < sleep 100
        > \z
        < Stopped
        > fg\r
        < sleep 100
        > \c
        < $ 
        > echo st=$?\r
        < st=130
        > COMMAND cat\r
        < cat
        > word-b\r
        < word-b
        < word-b
        > \z
        < Stopped
        > jobs\r
        < Stopped
        > bg\r
        > kill -TERM %1; kill -CONT %1\r
        > \r
        < ENDED
        > exit 4\r
        """;

    /// <summary>The signal is pending when the sandbox begins: it came before any task was.</summary>
    private const string Early = """
        < $ 
        > EARLY wait COMMAND EARLY take sleep 100\r
        < type it now
        > \z
        < Stopped
        > fg\r
        < sleep 100
        > \c
        < $ 
        > echo st=$?\r
        < st=130
        > EARLY wait COMMAND EARLY take sleep 100\r
        < type it now
        > \c
        < $ 
        > echo st=$?\r
        < st=130
        > exit 5\r
        """;

    [Theory]
    [InlineData("bash --norc --noprofile -i")]
    [InlineData("dash -i")]
    public void Interactive_shells_control_their_jobs_inside(string command)
    {
        string[] shell = command.Split(' ');
        string native = Drive(Inner, string.Empty, shell);
        string sandboxed = Drive(
            Inner, string.Empty, [Product.Sandbox, "run", "-q", "-p", "permissive", "--", .. shell]);
        Assert.Equal("ended 3 0\n", native);
        Assert.Equal(native, sandboxed);
    }

    [Fact]
    public void An_outer_shell_stops_and_continues_a_sandboxed_command()
    {
        string[] shell = ["bash", "--norc", "--noprofile", "-i"];
        string native = Drive(
            Outer.Replace("ENDED", "Terminated", StringComparison.Ordinal), "env", shell);

        // The contract: 128+N as an exit status, so the shell says how it exited.
        string sandboxed = Drive(
            Outer.Replace("ENDED", "Exit 143", StringComparison.Ordinal),
            $"{Product.Sandbox} run -q -p permissive", shell);
        Assert.Equal("ended 4 0\n", native);
        Assert.Equal(native, sandboxed);
    }

    [Theory]
    [InlineData("permissive")]
    [InlineData("build")]
    public void What_is_typed_before_the_first_task_is_there_reaches_it(string policy)
    {
        string[] shell = ["bash", "--norc", "--noprofile", "-i"];
        string script = Early.Replace("EARLY", "./early", StringComparison.Ordinal);
        string native = Drive(script, "env", shell);
        string sandboxed = Drive(script, $"{Product.Sandbox} run -q -p {policy}", shell);
        Assert.Equal("ended 5 0\n", native);
        Assert.Equal(native, sandboxed);
    }

    internal static string Drive(string script, string command, params string[] run)
    {
        using var place = new Workplace();
        File.Copy(Guests.Path("early"), place.File("early"));
        File.WriteAllText(
            place.File("script"), script.Replace("COMMAND", command, StringComparison.Ordinal));
        string[] all = ["env", "PS1=$ ", "TERM=dumb", Guests.Path("ptydrive"), place.File("script"), .. run];
        return Shell.Run(place.Path, null, all).Out;
    }
}
