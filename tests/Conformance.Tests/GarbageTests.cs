using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Conformance.Harness;

namespace Conformance;

/// <summary>What a killed supervisor leaves, and that only this is taken away.</summary>
[Collection("engine")]
public sealed class GarbageTests
{
    private const string Busy = """
        fork() { while :; do (:) & (exec true) & wait; done; }
        fork & fork & (setsid sleep 300 &) ; wait
        """;

    /// <summary>KILLS=1000 for longer.</summary>
    private static int Kills => int.TryParse(
        Environment.GetEnvironmentVariable("KILLS"), CultureInfo.InvariantCulture, out int n) ? n : 40;

    [NeedsCgroupFact]
    public void After_kills_of_supervisors_at_random_moments_all_is_as_before()
    {
        using var place = new Workplace();
        File.SetUnixFileMode(place.Path, (UnixFileMode)0x1ed);
        string[] before = Mounts();
        string mark = $"SANDBOX_TEST_MARK={Guid.NewGuid()}";
        var killed = new ConcurrentBag<int>();
        int left = Kills;
        string[] policies = ["processes", "default", "build"];
        Parallel.For(0, 4, worker =>
        {
            var random = new Random(20261128 + worker);
            while (Interlocked.Decrement(ref left) >= 0)
            {
                using Process run = Shell.Start(
                    place.Path, Product.Sandbox, "run", "-q", "-p", policies[random.Next(policies.Length)],
                    "--set", "resources.memory=64M", "--env", mark, "--", "sh", "-c", Busy);
                killed.Add(run.Id);
                Thread.Sleep(random.Next(0, 120));
                run.Kill();
                run.WaitForExit();
            }
        });

        Assert.Equal(Kills, killed.Count);
        Assert.Empty(Survivors.Of(mark));
        Outcome gc = Product.Call(place, "gc");
        Assert.True(gc.Status == 0, gc.ToString());
        Assert.Empty(GroupsOf(killed));
        Assert.Equal(before, Mounts());
        Assert.Empty(Directory.GetFileSystemEntries(place.Path));
        Assert.DoesNotContain(InitsOf(), parent => killed.Contains(parent));
    }

    [NeedsCgroupFact]
    public async Task Nothing_of_fifty_runs_that_live_is_taken_away()
    {
        const int runs = 50;
        using var place = new Workplace();
        using var stop = new CancellationTokenSource();
        Task<int> collector = Task.Run(() =>
        {
            int rounds = 0;
            for (; !stop.IsCancellationRequested; rounds++)
            {
                Assert.Equal(0, Product.Call(place, "gc").Status);
            }

            return rounds;
        });
        Process[] all = [.. Enumerable.Range(0, runs).AsParallel().WithDegreeOfParallelism(4).Select(n => Shell.Start(
            place.Path, Product.Sandbox, "run", "-p", "processes", "--set", "resources.memory=64M",
            "--result", place.File($"r{n}"), "--", "dash", "-c", "echo ready; read x; echo $x"))];
        Assert.All(all, run => Assert.Equal("ready", run.StandardOutput.ReadLine()));
        string[] groups = GroupsOf(all.Select(run => run.Id));
        Assert.Equal(runs, groups.Length);
        Outcome gc = Product.Call(place, "gc");
        Assert.True(gc.Status == 0 && !groups.Any(gc.Out.Contains), gc.ToString());
        Assert.All(groups, group => Assert.True(Directory.Exists(group)));
        foreach (Process run in all)
        {
            run.StandardInput.WriteLine("went on");
            Assert.True(run.WaitForExit(Shell.Patience));
            Assert.Equal(("went on\n", "", 0), (
                run.StandardOutput.ReadToEnd(), run.StandardError.ReadToEnd(), run.ExitCode));
        }

        Assert.Empty(GroupsOf(all.Select(run => run.Id)));
        await stop.CancelAsync();
        Assert.True(await collector > 0);
    }

    [NeedsCgroupFact]
    public void A_dead_group_goes_with_all_in_it_and_one_of_a_living_process_stays()
    {
        using var place = new Workplace();
        string reused = Make($"sandbox-{Environment.ProcessId}-1");
        string living = Make($"sandbox-{Environment.ProcessId}-{StartOf(Environment.ProcessId)}");
        string nested = Path.Combine(reused, "of-a-guest");
        Directory.CreateDirectory(nested);
        using Process member = Shell.Start("/", "sleep", "300");
        File.WriteAllText(nested + "/cgroup.procs", $"{member.Id}");
        try
        {
            Outcome look = Product.Call(place, "gc", "--dry-run");
            Assert.Contains($"would remove {reused}\n", look.Out, StringComparison.Ordinal);
            Assert.False(member.HasExited);
            Outcome gc = Product.Call(place, "gc");
            Assert.True(gc.Status == 0 && gc.Out.Contains($"removed {reused}\n", StringComparison.Ordinal), gc.ToString());
            Assert.DoesNotContain(living, look.Out + look.Err + gc.Out + gc.Err, StringComparison.Ordinal);
            Assert.True(member.WaitForExit(Shell.Patience));
            Assert.Equal((false, true), (Directory.Exists(reused), Directory.Exists(living)));
        }
        finally
        {
            Directory.Delete(living);
        }
    }

    [NeedsCgroupFact]
    public void Names_that_no_run_has_are_left_alone()
    {
        using var place = new Workplace();
        string[] names =
        [
            "sandbox-1-1x", "sandbox-01-1", "sandbox-1-01", "sandbox-1-", "sandbox--1-1", "sandbox-1-1-1",
            "sandbox-1-+1", "sandbox- 1-1", "sandbox-1", "xsandbox-1-1", "sandbox-1-1.supervisors",
            "sandbox-99999999999-1", "sandbox-1-99999999999999999999", "sandbox-0-1", "sandbox-1-0", "sandbox-..",
        ];
        string[] groups = [.. names.Select(Make)];
        try
        {
            Outcome gc = Product.Call(place, "gc");
            Assert.Equal((0, ""), (gc.Status, gc.Err));
            Assert.All(groups, group => Assert.True(Directory.Exists(group), group));
            Assert.All(names, name => Assert.DoesNotContain("/" + name + "\n", gc.Out, StringComparison.Ordinal));
        }
        finally
        {
            foreach (string group in groups.Where(Directory.Exists))
            {
                Directory.Delete(group);
            }
        }
    }

    [NeedsCgroupFact]
    public void A_group_whose_lock_is_held_or_of_another_user_is_left_and_named()
    {
        using var place = new Workplace();
        string locked = Make($"sandbox-{Environment.ProcessId}-2");
        string foreign = Make($"sandbox-{Environment.ProcessId}-3");
        Assert.Equal(0, Shell.Run("/", null, "chown", "12345", foreign).Status);
        using Process holder = Shell.Start(
            "/", "flock", locked + "/cgroup.procs", "dash", "-c", "echo ready; read x");
        Assert.Equal("ready", holder.StandardOutput.ReadLine());
        Outcome gc = Product.Call(place, "gc");
        Assert.Equal(0, gc.Status);
        Assert.Contains($"left {locked}: a process holds its lock", gc.Err, StringComparison.Ordinal);
        Assert.Contains($"left {foreign}: it belongs to user 12345", gc.Err, StringComparison.Ordinal);
        Assert.Equal((true, true), (Directory.Exists(locked), Directory.Exists(foreign)));
        holder.StandardInput.WriteLine();
        Assert.True(holder.WaitForExit(Shell.Patience));
        Assert.Equal(0, Shell.Run("/", null, "chown", "0", foreign).Status);
        Assert.Equal(0, Product.Call(place, "gc").Status);
        Assert.Equal((false, false), (Directory.Exists(locked), Directory.Exists(foreign)));
    }

    /// <summary>
    /// Its pid is another one here than in its name: only the lock says that it lives.
    /// </summary>
    [NeedsCgroupFact]
    public void A_run_in_another_pid_namespace_is_left_alone()
    {
        using var place = new Workplace();
        using Process run = Shell.Start(
            place.Path, "unshare", "-pf", "--mount-proc", Product.Sandbox, "run", "-q", "-p", "processes", "--set",
            "resources.memory=64M", "--", "dash", "-c", "echo ready; read x; echo $x");
        Assert.Equal("ready", run.StandardOutput.ReadLine());
        Outcome gc = Product.Call(place, "gc");
        Assert.Contains("/sandbox-1-", gc.Err, StringComparison.Ordinal);
        run.StandardInput.WriteLine("went on");
        Assert.True(run.WaitForExit(Shell.Patience));
        Assert.Equal((0, "went on\n"), (run.ExitCode, run.StandardOutput.ReadToEnd()));
    }

    [NeedsCgroupFact]
    public void The_start_of_a_run_with_a_group_takes_dead_ones_away()
    {
        using var place = new Workplace();
        string dead = Make($"sandbox-{Environment.ProcessId}-4");
        Assert.Equal(0, Product.Run(place, ["-q", "-p", "processes"], "true").Status);
        Assert.True(Directory.Exists(dead));
        Assert.Equal(0, Product.Run(
            place, ["-q", "-p", "processes", "--set", "resources.memory=64M"], "true").Status);
        Assert.False(Directory.Exists(dead));
    }

    [Fact]
    public void With_nothing_to_remove_it_says_so()
    {
        using var place = new Workplace();
        Outcome gc = Product.Call(place, "gc");
        Assert.Equal(0, gc.Status);
        Assert.Equal("nothing to remove\n", Product.Call(place, "gc").Out);
    }

    [RootFact("only root can become another user")]
    public void Directories_of_other_users_and_other_names_are_no_matter()
    {
        string[] names =
            [$"/tmp/sandbox-{Guid.NewGuid():N}", $"/tmp/sandbox-{Guid.NewGuid():N}"[..^1]];
        foreach (string name in names)
        {
            Directory.CreateDirectory(name, (UnixFileMode)0x1c0);
        }

        try
        {
            using var place = new Workplace();
            Outcome gc = Shell.Run(
                place.Path, null, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                Product.Sandbox, "gc");
            Assert.Equal((0, ""), (gc.Status, gc.Err));
            Assert.All(names, name => Assert.True(Directory.Exists(name)));
        }
        finally
        {
            Array.ForEach(names, Directory.Delete);
        }
    }

    /// <summary>A group where those of runs with a limit on memory are.</summary>
    private static string Make(string name)
    {
        string group = Path.Combine(Home(), name);
        Directory.CreateDirectory(group);
        return group;
    }

    /// <summary>The group of this process in the hierarchy of the memory controller.</summary>
    private static string Home()
    {
        string[] lines = File.ReadAllLines("/proc/self/cgroup");
        string? own = lines.FirstOrDefault(l => l.Contains(":memory:", StringComparison.Ordinal));
        return own is not null ? "/sys/fs/cgroup/memory" + own.Split(':', 3)[2]
            : ("/sys/fs/cgroup" + lines.First(l => l.StartsWith("0::", StringComparison.Ordinal))[3..]).TrimEnd('/');
    }

    private static string[] GroupsOf(IEnumerable<int> pids)
    {
        HashSet<string> names = [.. pids.Select(pid => $"sandbox-{pid}")];
        string[] places = [Home(), Path.GetDirectoryName(Home())!];
        return [.. places.SelectMany(Directory.GetDirectories).Where(
            d => Path.GetFileName(d).LastIndexOf('-') is > 0 and int end && names.Contains(Path.GetFileName(d)[..end]))];
    }

    private static string[] Mounts() => [.. File.ReadAllLines("/proc/self/mountinfo").Order()];

    /// <summary>The parents of all processes, those of init processes of runs among them.</summary>
    private static IEnumerable<int> InitsOf()
    {
        foreach (string process in Directory.GetDirectories("/proc"))
        {
            string status;
            try
            {
                status = File.ReadAllText(process + "/status");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                continue;
            }

            string parent = status.Split('\n').First(l => l.StartsWith("PPid:", StringComparison.Ordinal));
            yield return int.Parse(parent.Split('\t')[1], CultureInfo.InvariantCulture);
        }
    }

    private static string StartOf(int pid)
    {
        string stat = File.ReadAllText($"/proc/{pid}/stat");
        return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
    }
}
