using System;
using System.IO;
using Conformance.Harness;

namespace Conformance;

/// <summary>Real programs behave under <c>permissive</c> as they do natively.</summary>
[Collection("programs")]
public sealed class ProgramTests
{
    [Theory]
    [InlineData("printf 'c\\nb\\na\\n' | sort | head -2; (exit 3) | true; echo $?")]
    [InlineData("trap 'echo bye' EXIT; trap 'echo usr1' USR1; kill -USR1 $$; echo here; exit 4")]
    [InlineData("for i in 1 2 3; do sh -c \"exit $i\" & done; wait; echo all; x=$(echo sub); echo $x")]
    [InlineData("sleep 0.2 & p=$!; kill -TERM $p; wait $p; echo $?")]
    [InlineData("cat <<EOF | tr a-z A-Z\nhere $((1 + 2))\nEOF\nexec sh -c 'exit 9'")]
    [InlineData("kill -SEGV $$")]
    [InlineData("set -m; (sleep 0.1; exit 5) & wait $!; echo $?; false | true | (exit 6)")]
    public void Shells_run_pipelines_traps_and_jobs(string script)
    {
        Twice.Same(false, "dash", "-c", script);
        Twice.Same(false, "bash", "-c", script);
    }

    [Fact]
    public void A_parallel_make_builds_a_C_project()
    {
        Outcome made = Twice.Same(
            Twice.Permissive, true, CopyProject, "make", "-s", "-j2", "check");
        Assert.Contains("sum ", made.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Git_clones_a_local_repository()
    {
        const string Script = """
            set -e
            export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
            git init -q -b main a && cd a && git config user.email a@example.org && git config user.name A
            for i in 1 2 3 4 5; do echo $i > f$i; git add f$i; git commit -q -m "commit $i"; done
            cd .. && git clone -q --no-hardlinks a b && git -C b log --format=%H && git -C b fsck
            """;
        Outcome cloned = Twice.Same(false, "bash", "-c", Script);
        Assert.Equal(0, cloned.Status);
    }

    [NeedsFact("perl")]
    public void Perl_forks_pipes_and_waits() => Twice.Same(
        false, "perl", "-e", """
        $| = 1; $SIG{CHLD} = sub { }; open(my $p, "-|", "echo", "piped") or die; print <$p>; close $p;
        for my $i (1 .. 20) { my $c = fork(); die "fork" unless defined $c; exit $i unless $c; waitpid($c, 0); print $? >> 8, "\n"; }
        system("exit 7"); print $? >> 8, "\n"; exit 2;
        """);

    [NeedsFact("python3")]
    public void Python_spawns_threads_and_processes()
    {
        Outcome python = Twice.Same(
            Twice.Permissive, true, place => File.WriteAllText(place.File("main.py"), """
            import os, subprocess, threading, multiprocessing, sys
            def work(n): return n * n
            if __name__ == '__main__':
                print(subprocess.run(['sh', '-c', 'echo out; exit 3'], capture_output=True))
                pid = os.posix_spawn('/bin/sh', ['sh', '-c', 'exit 5'], os.environ)
                print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                ts = [threading.Thread(target=lambda i=i: sys.stdout.write(f'thread {i}\n')) for i in range(20)]
                [t.start() for t in ts]; [t.join() for t in ts]
                for method in ('fork', 'spawn', 'forkserver'):
                    with multiprocessing.get_context(method).Pool(3) as pool:
                        print(method, pool.map(work, range(10)))
                sys.exit(4)
            """), "python3", "main.py");
        Assert.Equal(4, python.Status);
    }

    [NeedsFact("node")]
    public void Node_starts_children_and_workers() => Twice.Same(
        true, "node", "-e", """
        const c = require('child_process'); const { Worker } = require('worker_threads');
        console.log(c.execSync('echo sync').toString());
        c.spawn('sh', ['-c', 'echo spawned; exit 3'], { stdio: 'inherit' }).on('exit', s => console.log('exit', s));
        for (let i = 0; i < 3; i++) new Worker(`require('worker_threads').parentPort.postMessage(${i})`, { eval: true }).on('message', m => console.log('worker', m));
        process.exitCode = 6;
        """);

    [NeedsFact("java")]
    public void Java_starts_threads_and_processes()
    {
        Outcome java = Twice.Same(
            Twice.Permissive, true, place => File.WriteAllText(place.File("Main.java"), """
            public class Main { public static void main(String[] a) throws Exception {
              Thread[] ts = new Thread[20];
              for (int i = 0; i < 20; i++) { int n = i; ts[i] = new Thread(() -> System.out.println("thread " + n)); ts[i].start(); }
              for (Thread t : ts) t.join();
              System.out.println(new ProcessBuilder("sh", "-c", "echo child; exit 3").inheritIO().start().waitFor());
              System.exit(5); } }
            """), "java", "Main.java");
        Assert.Equal(5, java.Status);
    }

    [Fact]
    public void Dotnet_starts_threads_and_processes()
    {
        // The test runner is the .NET program at hand; listing tests starts threads and a child.
        Outcome version = Twice.Same(false, "dotnet", "--version");
        Assert.Equal(0, version.Status);
        Outcome build = Twice.Same(
            Twice.Permissive, true, DotnetProject, "sh", "-c",
            "dotnet build -v quiet --nologo -nodeReuse:false -p:UseSharedCompilation=false >log 2>&1 || cat log; exec dotnet bin/Debug/*/app.dll");
        Assert.Equal(7, build.Status);
        Assert.Contains("child 3", build.Out, StringComparison.Ordinal);
    }

    private static void DotnetProject(Workplace place)
    {
        File.WriteAllText(place.File("app.csproj"), """
            <Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>
            """);
        File.WriteAllText(place.File("app.cs"), """
            using System; using System.Diagnostics; using System.Threading;
            for (int i = 0; i < 10; i++) { int n = i; var t = new Thread(() => Console.WriteLine("thread " + n)); t.Start(); t.Join(); }
            using Process p = Process.Start("sh", new[] { "-c", "exit 3" }); p.WaitForExit();
            Console.WriteLine("child " + p.ExitCode); return 7;
            """);
    }

    private static void CopyProject(Workplace place) => File.Copy(
        Path.Combine(Product.Root, "tests/Conformance.Tests/guests/project/Makefile"),
        place.File("Makefile"));
}
