using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;
using Conformance.Harness;

namespace Conformance;

/// <summary>The runs on this host: listed, and ended from outside.</summary>
[Collection("engine")]
public sealed class RunListTests
{
    [Fact]
    public void A_run_is_listed_with_its_policy_its_command_and_its_tasks()
    {
        using var place = new Workplace();
        using Process run = Start(
            place, ["-p", "processes"],
            "s() { sleep $1 & until grep -q sleep /proc/$!/comm; do :; done; }; s 300; kill -STOP $!; s 301; python3 -c '"
                + "import threading,time\nthreading.Thread(target=time.sleep,args=(302,),daemon=True).start()\n"
                + "print(\"ready\",flush=True)\ntime.sleep(303)' & wait");
        JsonElement shown = Find(place, run.Id) ?? throw new InvalidOperationException("not listed");
        Assert.Equal("processes", Reported.Text(shown, "policy"));
        Assert.StartsWith("dash -c s() { sleep $1 &", Reported.Text(shown, "command"), StringComparison.Ordinal);
        JsonElement[] tasks = [.. shown.GetProperty("processes").EnumerateArray()];
        Assert.Equal(["dash", "python3", "sleep", "sleep"], tasks.Select(t => Reported.Text(t, "name")).Order());
        Assert.Equal(5, shown.GetProperty("tasks").GetInt32());
        Assert.Equal(["running", "running", "running", "stopped"], tasks.Select(t => Reported.Text(t, "stage")).Order());
        Assert.True(shown.GetProperty("memory").GetInt64() > 0);
        Assert.Equal(shown.GetProperty("uid").GetInt32(), Environment.IsPrivilegedProcess ? 0 : Own());
        int command = tasks.Single(t => Reported.Text(t, "name") == "dash").GetProperty("pid").GetInt32();
        Assert.All(
            tasks.Where(t => Reported.Text(t, "name") != "dash"),
            t => Assert.Equal(command, t.GetProperty("parent").GetInt32()));

        string tree = Product.Call(place, "ps", "--tree").Out;
        Assert.Contains($"\n  {command} dash  running  threads 1 ", tree, StringComparison.Ordinal);
        Assert.Contains(" python3  running  threads 2 ", tree, StringComparison.Ordinal);
        Assert.Equal(0, Product.Call(place, "kill", $"{run.Id}").Status);
        Assert.Null(Find(place, run.Id));
    }

    [Fact]
    public void Guests_are_no_runs_whatever_they_call_themselves_nor_write_to_the_terminal()
    {
        using var place = new Workplace();
        File.CreateSymbolicLink(place.File("sandbox"), "/bin/dash");
        File.WriteAllText(place.File("run"),
            "(printf 'x\\033[2J\\nrun' > /proc/self/comm; echo ready; sleep 300; :)");
        using Process run = Start(
            place, ["-p", "processes"], "./sandbox run \"$(printf '\\033]0;x\\007')\"; :");
        JsonElement shown = Find(place, run.Id) ?? throw new InvalidOperationException("not listed");
        JsonElement[] listed = All(place);
        int[] guests = [.. shown.GetProperty("processes").EnumerateArray().Select(t => t.GetProperty("pid").GetInt32())];
        Assert.NotEmpty(guests);
        Assert.DoesNotContain(listed, r => guests.Contains(r.GetProperty("run").GetInt32()));
        string table = Product.Call(place, "ps", "-t").Out;
        Assert.Contains(" sandbox  running ", table, StringComparison.Ordinal);
        Assert.Contains(" x\\u001b[2J\\u000arun  running ", table, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', table);
        Assert.Equal(1, Product.Call(place, "kill", $"{guests[^1]}").Status);
        Assert.Equal(0, Product.Call(place, "kill", $"{run.Id}").Status);
    }

    [Fact]
    public void A_command_may_end_itself_in_its_time_of_grace()
    {
        using var place = new Workplace();
        using Process run = Start(
            place, ["-p", "processes", "--result", place.File("r")], "trap 'echo bye; exit 7' TERM; echo ready; "
                + "while :; do sleep 0.05; done");
        Outcome kill = Product.Call(place, "kill", $"{run.Id}");
        Assert.Equal((0, $"run {run.Id} has ended\n"), (kill.Status, kill.Out));
        Assert.True(run.WaitForExit(Shell.Patience));
        Assert.Equal((7, "bye\n"), (run.ExitCode, run.StandardOutput.ReadToEnd()));
        JsonElement result = JsonDocument.Parse(File.ReadAllText(place.File("r"))).RootElement;
        Assert.Equal(("exited", "ended by 'sandbox kill'"), (Reported.Text(result, "status"), Reported.Text(result, "reason")));
    }

    /// <summary>The word of 'sandbox kill' is pending when the sandbox begins.</summary>
    [Theory]
    [InlineData("processes")]
    [InlineData("default")]
    public void One_that_is_ended_before_its_command_runs_ends_at_once(string policy)
    {
        const string early = "import ctypes,os,signal,sys\nsignal.pthread_sigmask(signal.SIG_BLOCK,[signal.SIGTERM])\n"
            + "c=ctypes.CDLL(None,use_errno=True)\n"
            + "assert c.sigqueue(os.getpid(),signal.SIGTERM,ctypes.c_void_p(0x646e652d6e7572))==0, ctypes.get_errno()\n"
            + "os.execv(sys.argv[1],sys.argv[1:])\n";
        using var place = new Workplace();
        string result = place.File("r");
        Outcome run = Shell.Run(
            place.Path, null, "python3", "-c", early, Product.Sandbox, "run", "-p", policy, "--result", result, "--",
            "dash", "-c", "echo ran; trap '' TERM; sleep 60");
        Assert.Equal((137, "", ""), (run.Status, run.Out, run.Err));
        JsonElement told = JsonDocument.Parse(File.ReadAllText(result)).RootElement;
        Assert.Equal("SIGKILL; ended by 'sandbox kill'", Reported.Text(told, "reason"));
    }

    [Theory]
    [InlineData("processes", "")]
    [InlineData("default", "")]
    [InlineData("processes", "--wait")]
    public void One_that_will_not_is_killed_with_all_of_its_tasks(string policy, string option)
    {
        using var place = new Workplace();
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        string[] more = option.Length > 0 ? [option] : [];
        using Process run = Start(
            place, ["-p", policy, "--env", mark, "--result", place.File("r"), .. more],
            "trap '' TERM; (setsid sleep 300 &); sleep 301 & echo ready; while :; do sleep 0.1; done");
        Outcome kill = Product.Call(place, "kill", $"{run.Id}");
        Assert.Equal((0, $"run {run.Id} has ended\n"), (kill.Status, kill.Out));
        Assert.True(run.WaitForExit(Shell.Patience));
        Assert.Equal(137, run.ExitCode);
        Assert.Empty(Survivors.Of(mark));
        JsonElement result = JsonDocument.Parse(File.ReadAllText(place.File("r"))).RootElement;
        Assert.Equal("SIGKILL; ended by 'sandbox kill'", Reported.Text(result, "reason"));
    }

    [Fact]
    public void A_supervisor_that_is_stopped_is_ended_too()
    {
        using var place = new Workplace();
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        using Process run = Start(place, ["-p", "processes", "--env", mark], "echo ready; sleep 300 & sleep 301");
        Assert.Equal(0, Shell.Run("/", null, "kill", "-STOP", $"{run.Id}").Status);
        Outcome kill = Product.Call(place, "kill", $"{run.Id}");
        Assert.Equal((0, $"run {run.Id} has ended\n"), (kill.Status, kill.Out));
        Assert.True(run.WaitForExit(Shell.Patience));
        Assert.Empty(Survivors.Of(mark));
    }

    /// <summary>A debugger stops it, which only root can: then SIGTERM waits, and SIGKILL does not.</summary>
    [RootFact]
    public void A_supervisor_that_does_not_answer_is_killed_with_all_of_its_tasks()
    {
        const string debugger = "import ctypes,os,sys\nc=ctypes.CDLL(None,use_errno=True)\np=int(sys.argv[1])\n"
            + "assert c.ptrace(0x4206,p,0,0)==0 and c.ptrace(0x4207,p,0,0)==0, ctypes.get_errno()\n"
            + "s=os.waitpid(p,0)[1]\nprint('stopped',flush=True)\n"
            + "while os.WIFSTOPPED(s): s=os.waitpid(p,0)[1]\n";
        using var place = new Workplace();
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        using Process run = Start(place, ["-p", "processes", "--env", mark], "echo ready; sleep 300 & sleep 301");
        using Process stopper = Shell.Start("/", "python3", "-c", debugger, $"{run.Id}");
        Assert.Equal("stopped", stopper.StandardOutput.ReadLine());
        Outcome kill = Product.Call(place, "kill", $"{run.Id}");
        Assert.Equal(
            (0, $"run {run.Id} was killed: its supervisor did not answer\n"), (kill.Status, kill.Out));
        Assert.True(run.WaitForExit(Shell.Patience) && stopper.WaitForExit(Shell.Patience));
        Assert.Empty(Survivors.Of(mark));
    }

    [Fact]
    public void What_is_no_run_is_not_touched()
    {
        using var place = new Workplace();
        using Process other = Shell.Start("/", "sleep", "300");
        Outcome kill = Product.Call(place, "kill", $"{other.Id}");
        Assert.Equal((1, ""), (kill.Status, kill.Out));
        Assert.Contains($"there is no run {other.Id}", kill.Err, StringComparison.Ordinal);
        Assert.False(other.HasExited);
        other.Kill();
        other.WaitForExit();
        Assert.Equal(1, Product.Call(place, "kill", $"{other.Id}").Status);
        foreach (string wrong in new[] { "0", "-1", "x", "1x", "99999999999", "" })
        {
            Outcome usage = Product.Call(place, "kill", "--", wrong);
            Assert.Equal(2, usage.Status);
            Assert.Contains("sandbox: RUN is a number", usage.Err, StringComparison.Ordinal);
        }

        Assert.Equal(2, Product.Call(place, "kill").Status);
    }

    [RootFact]
    public void Another_users_run_is_seen_and_not_ended()
    {
        using var place = new Workplace();
        using Process run = Start(place, ["-p", "processes"], "echo ready; sleep 300");
        string[] nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", Product.Sandbox];
        string list = Shell.Run("/", null, [.. nobody, "ps", "-t"]).Out;
        Assert.Contains($"\n{run.Id} ", list, StringComparison.Ordinal);
        Assert.Contains(" sleep  running  ", list, StringComparison.Ordinal);
        Outcome kill = Shell.Run("/", null, [.. nobody, "kill", $"{run.Id}"]);
        Assert.Equal(1, kill.Status);
        Assert.Contains($"run {run.Id} is another user's", kill.Err, StringComparison.Ordinal);
        Assert.False(run.HasExited);
        Assert.Equal(0, Product.Call(place, "kill", $"{run.Id}").Status);
    }

    private static Process Start(Workplace place, string[] options, string script)
    {
        // Where root starts it, a guest under default is nobody.
        File.SetUnixFileMode(place.Path, (UnixFileMode)0x1ed);
        Process run = Shell.Start(
            place.Path, [Product.Sandbox, "run", "-q", .. options, "--", "dash", "-c", script]);
        Assert.Equal("ready", run.StandardOutput.ReadLine());
        return run;
    }

    private static JsonElement[] All(Workplace place)
    {
        Outcome list = Product.Call(place, "ps", "--json");
        Assert.True(list.Status == 0, list.ToString());
        return [.. JsonDocument.Parse(list.Out).RootElement.GetProperty("runs").EnumerateArray()];
    }

    private static JsonElement? Find(Workplace place, int run) =>
        All(place).Where(r => r.GetProperty("run").GetInt32() == run).Cast<JsonElement?>().SingleOrDefault();

    private static int Own() => int.Parse(
        Shell.Run("/", null, "id", "-u").Out, System.Globalization.CultureInfo.InvariantCulture);
}
