using System;
using System.IO;
using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>
/// Real programs do under <c>default</c> and <c>build</c> what they do natively. They read what
/// they need from the current directory, and work where the profile lets them write: in memory
/// under the one, in the current directory under the other.
/// </summary>
[Collection("programs")]
public sealed class ProfileProgramTests
{
    /// <summary>
    /// For a shell: $1 is the directory to work in. The home is there, for the one of the caller
    /// is not to be seen or not to be written.
    /// </summary>
    private const string Begin =
        "mkdir -p \"$1\" && cp -R in/. \"$1\" && cd \"$1\" && export HOME=\"$PWD\" TMPDIR=/tmp\n";

    /// <summary>Each profile as this user starts it.</summary>
    public static TheoryData<Way, string> OwnProfiles => Host.IsRoot
        ? new() { { Way.Root, "default" }, { Way.KeptRoot, "build" } }
        : new() { { Way.Rootless, "default" }, { Way.Rootless, "build" } };

    /// <summary>The same, and as an unprivileged user does.</summary>
    public static TheoryData<Way, string> Profiles => Host.IsRoot
        ? new()
        {
            { Way.Root, "default" }, { Way.KeptRoot, "build" }, { Way.Rootless, "default" },
            { Way.Rootless, "build" },
        }
        : OwnProfiles;

    [NamespacesTheory]
    [MemberData(nameof(Profiles))]
    public void Shells_run_pipelines_traps_and_jobs(Way way, string profile)
    {
        const string script = """
            printf 'c\nb\na\n' | sort | head -2; (exit 3) | true; echo $?
            trap 'echo usr1' USR1; kill -USR1 $$; x=$(echo sub | tr a-z A-Z); echo $x
            sleep 5 & p=$!; kill -TERM $p; wait $p; echo $?
            for i in 1 2 3; do sh -c "exit $i" & wait $!; echo $?; done
            mkfifo f; (echo through >f) & cat f; seq 500 | xargs -n 50 -P 4 echo | wc -w
            find . -type p; ls -A | sed 's/^/- /' | awk '{ n++ } END { print n }'; exec sh -c 'exit 9'
            """;
        foreach (string shell in new[] { "dash", "bash" })
        {
            Assert.Equal(
                9, Same(way, profile, false, _ => { }, $"exec {shell} -c \"$2\"", script).Status);
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(Profiles))]
    public void A_parallel_make_builds_a_C_project(Way way, string profile)
    {
        string project = Path.Combine(
            Product.Root, "tests/Conformance.Tests/guests/project/Makefile");
        Outcome made = Same(
            way, profile, false, place => place.Write("in/Makefile", File.ReadAllText(project)),
            "make -s -j2 check && make -s clean && ls");
        Assert.Contains("sum ", made.Out, StringComparison.Ordinal);
    }

    [NamespacesTheory]
    [MemberData(nameof(Profiles))]
    public void Gcc_compiles_links_and_finds_errors(Way way, string profile)
    {
        const string code = """
            #include <pthread.h>
            #include <stdio.h>
            static void *run(void *n) { printf("thread %ld\n", (long)n); return n; }
            int main(void) { pthread_t t; pthread_create(&t, 0, run, (void *)7); pthread_join(t, 0); return 4; }
            """;
        Outcome ran = Same(
            way, profile, false,
            place =>
            {
                place.Write("in/a.c", code);
                place.Write("in/b.c", "int main(void) { return x; }\n");
            },
            "gcc -pipe -O2 -pthread -o a a.c && gcc -c b.c; ./a");
        Assert.Equal(("thread 7\n", 4), (ran.Out, ran.Status));
        Assert.Contains("b.c:1:", ran.Err, StringComparison.Ordinal);
    }

    [NamespacesTheory]
    [MemberData(nameof(Profiles))]
    public void Git_clones_a_local_repository(Way way, string profile)
    {
        Outcome cloned = Same(
            way, profile, false, _ => { }, "exec bash -c \"$2\"", Programs.Git);
        Assert.Equal(0, cloned.Status);
    }

    [NamespacesTheory]
    [MemberData(nameof(Profiles))]
    public void Archives_are_packed_and_unpacked(Way way, string profile) => Assert.Equal(
        0, Same(
            way, profile, false, place => place.Write("in/d/e/f", "text"),
            "ln d/e/f d/g && ln -s e/f d/h && chmod 751 d && tar -czf a.tgz d && mkdir out "
                + "&& tar -xzf a.tgz -C out && cd out/d && stat -c '%n %A' . e && stat -c '%n %A %h %s' e/f g h && cat h")
            .Status);

    [NeedsTheory("perl")]
    [MemberData(nameof(Profiles))]
    public void Perl_forks_pipes_and_waits(Way way, string profile) => Assert.Equal(
        2, Same(way, profile, false, _ => { }, "exec perl -e \"$2\"", Programs.Perl).Status);

    [NeedsTheory("python3")]
    [MemberData(nameof(Profiles))]
    public void Python_spawns_threads_and_processes(Way way, string profile) => Assert.Equal(
        4, Same(
            way, profile, true, place => place.Write("in/main.py", Programs.Python),
            "exec python3 main.py").Status);

    [NeedsTheory("sqlite3")]
    [MemberData(nameof(Profiles))]
    public void Sqlite_writes_ahead(Way way, string profile)
    {
        const string sql = "PRAGMA journal_mode=WAL; CREATE TABLE t(n); "
            + "INSERT INTO t VALUES(1),(2); SELECT sum(n) FROM t; PRAGMA integrity_check;";
        Assert.Equal("wal\n3\nok\n", Same(
            way, profile, false, _ => { }, "exec sqlite3 a.db \"$2\"", sql).Out);
    }

    [NeedsTheory("node")]
    [MemberData(nameof(OwnProfiles))]
    public void Node_starts_children_and_workers(Way way, string profile) => Assert.Equal(
        6, Same(way, profile, true, _ => { }, "exec node -e \"$2\"", Programs.Node).Status);

    [NeedsTheory("java")]
    [MemberData(nameof(OwnProfiles))]
    public void Java_starts_threads_and_processes(Way way, string profile) => Assert.Equal(
        5, Same(
            way, profile, true, place => place.Write("in/Main.java", Programs.Java),
            "exec java Main.java").Status);

    [NamespacesTheory]
    [MemberData(nameof(OwnProfiles))]
    public void Dotnet_builds_and_runs(Way way, string profile)
    {
        Outcome built = Same(
            way, profile, true,
            place =>
            {
                place.Write("in/app.csproj", Programs.DotnetProject);
                place.Write("in/app.cs", Programs.DotnetSource);
            },
            "export DOTNET_CLI_HOME=\"$HOME\" DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1; "
                + "dotnet build -v quiet --nologo -nodeReuse:false -p:UseSharedCompilation=false "
                + ">log 2>&1 || cat log; exec dotnet bin/Debug/*/app.dll");
        Assert.Equal(7, built.Status);
        Assert.Contains("child 3", built.Out, StringComparison.Ordinal);
    }

    /// <summary>The native outcome, after the sandboxed one was found equal.</summary>
    /// <param name="way">Who runs both.</param>
    /// <param name="profile">The policy.</param>
    /// <param name="sorted">Whether the order of lines is left open.</param>
    /// <param name="prepare">Writes what is read, below <c>in</c>.</param>
    /// <param name="script">What is run in the directory to work in.</param>
    /// <param name="argument">Its $2.</param>
    private static Outcome Same(
        Way way, string profile, bool sorted, Action<Isolated> prepare, string script,
        string argument = "")
    {
        using var place = new Isolated(way);
        Directory.CreateDirectory(place.File("in"));
        prepare(place);
        string native = place.File("native");
        string inside = profile == "build" ? place.File("sandboxed") : "/tmp/work";
        Outcome expected = place.NativeGuest("sh", "-c", Begin + script, "sh", native, argument);
        Outcome run = place.Run(
            ["-p", profile], "sh", "-c", Begin + script, "sh", inside, argument);
        Assert.Equal(Shape(expected, native, sorted), Shape(run, inside, sorted));
        return expected;
    }

    private static string Shape(Outcome outcome, string directory, bool sorted)
    {
        string said = outcome.ToString().Replace(directory, "DIR", StringComparison.Ordinal);
        return sorted ? string.Join('\n', said.Split('\n').Order()) : said;
    }
}
