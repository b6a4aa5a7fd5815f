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
    [InlineData("sleep 0.2 & p=$!; kill -TERM $p; wait $p 2> /dev/null; echo $?")]
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
        Outcome cloned = Twice.Same(false, "bash", "-c", Programs.Git);
        Assert.Equal(0, cloned.Status);
    }

    [NeedsFact("perl")]
    public void Perl_forks_pipes_and_waits() => Twice.Same(
        false, "perl", "-e", Programs.Perl);

    [NeedsFact("python3")]
    public void Python_spawns_threads_and_processes()
    {
        Outcome python = Twice.Same(
            Twice.Permissive, true, place => place.Write("main.py", Programs.Python), "python3", "main.py");
        Assert.Equal(4, python.Status);
    }

    [NeedsFact("node")]
    public void Node_starts_children_and_workers() => Twice.Same(
        true, "node", "-e", Programs.Node);

    [NeedsFact("java")]
    public void Java_starts_threads_and_processes()
    {
        Outcome java = Twice.Same(
            Twice.Permissive, true, place => place.Write("Main.java", Programs.Java), "java", "Main.java");
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
        File.WriteAllText(place.File("app.csproj"), Programs.DotnetProject);
        File.WriteAllText(place.File("app.cs"), Programs.DotnetSource);
    }

    private static void CopyProject(Workplace place) => File.Copy(
        Path.Combine(Product.Root, "tests/Conformance.Tests/guests/project/Makefile"),
        place.File("Makefile"));
}
