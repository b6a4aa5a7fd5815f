namespace Conformance.Harness;

/// <summary>What real programs are given to do; each makes children, threads or both.</summary>
internal static class Programs
{
    /// <summary>For bash: two repositories, one cloned from the other.</summary>
    public const string Git = """
        set -e
        export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
        git init -q -b main a && cd a && git config user.email a@example.org && git config user.name A
        for i in 1 2 3 4 5; do echo $i > f$i; git add f$i; git commit -q -m "commit $i"; done
        cd .. && git clone -q --no-hardlinks a b && git -C b log --format=%H && git -C b fsck
        """;

    /// <summary>Forks, pipes and waits.</summary>
    public const string Perl = """
        $| = 1; $SIG{CHLD} = sub { }; open(my $p, "-|", "echo", "piped") or die; print <$p>; close $p;
        for my $i (1 .. 20) { my $c = fork(); die "fork" unless defined $c; exit $i unless $c; waitpid($c, 0); print $? >> 8, "\n"; }
        system("exit 7"); print $? >> 8, "\n"; exit 2;
        """;

    /// <summary>A module: threads, children and pools of each kind.</summary>
    public const string Python = """
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
        """;

    /// <summary>Children and workers.</summary>
    public const string Node = """
        const c = require('child_process'); const { Worker } = require('worker_threads');
        console.log(c.execSync('echo sync').toString());
        c.spawn('sh', ['-c', 'echo spawned; exit 3'], { stdio: 'inherit' }).on('exit', s => console.log('exit', s));
        for (let i = 0; i < 3; i++) new Worker(`require('worker_threads').parentPort.postMessage(${i})`, { eval: true }).on('message', m => console.log('worker', m));
        process.exitCode = 6;
        """;

    /// <summary>The class Main: threads and a child.</summary>
    public const string Java = """
        public class Main { public static void main(String[] a) throws Exception {
          Thread[] ts = new Thread[20];
          for (int i = 0; i < 20; i++) { int n = i; ts[i] = new Thread(() -> System.out.println("thread " + n)); ts[i].start(); }
          for (Thread t : ts) t.join();
          System.out.println(new ProcessBuilder("sh", "-c", "echo child; exit 3").inheritIO().start().waitFor());
          System.exit(5); } }
        """;

    /// <summary>A project that needs no package.</summary>
    public const string DotnetProject = """
        <Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType>
        <TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>
        """;

    /// <summary>Its source: threads and a child.</summary>
    public const string DotnetSource = """
        using System; using System.Diagnostics; using System.Threading;
        for (int i = 0; i < 10; i++) { int n = i; var t = new Thread(() => Console.WriteLine("thread " + n)); t.Start(); t.Join(); }
        using Process p = Process.Start("sh", new[] { "-c", "exit 3" }); p.WaitForExit();
        Console.WriteLine("child " + p.ExitCode); return 7;
        """;
}
