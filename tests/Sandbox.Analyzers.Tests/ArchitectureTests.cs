using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Sandbox.Analyzers.Tests;

/// <summary>The shape of the repository, as docs/architecture.md draws it.</summary>
public sealed class ArchitectureTests
{
    private const int MostColumns = 100;
    private const int MostLines = 350;
    private const int MostMethodLines = 70;

    /// <summary>Who may know whom.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Interpose.Abi"] = [],
        ["Policies"] = ["Interpose.Abi"],
        ["Interpose"] = ["Interpose.Abi"],
        ["Sandbox.Analyzers"] = [],
        ["Sandbox.Kernel"] = ["Interpose.Abi", "Policies", "Sandbox.Analyzers"],
        ["Sandbox"] = ["Interpose", "Policies", "Sandbox.Kernel", "Sandbox.Analyzers"],
        ["Conformance.Tests"] = [],
        ["RuleFuzz"] = ["Sandbox.Kernel"],
        ["Bench"] = [],
        ["FuseHost"] = ["Interpose"],
        ["Interpose.Tests"] = ["Interpose", "FuseHost"],
    };

    [Fact]
    public void Arrows_between_projects_point_one_way()
    {
        string[] projects = [.. Repository.Files("", ".csproj")];
        Assert.True(projects.Length >= 12);
        Assert.Empty(projects.SelectMany(p => WrongArrows(p, File.ReadAllText(p))));
    }

    [Fact]
    public void A_wrong_arrow_is_found()
    {
        const string Wrong = """<Project><ProjectReference Include="../../Interpose/Interpose/Interpose.csproj" /></Project>""";
        Assert.Equal(["Sandbox.Kernel -> Interpose"], WrongArrows("Sandbox.Kernel.csproj", Wrong));
    }

    [Fact]
    public void Only_Interpose_may_be_unsafe_and_only_LibC_imports()
    {
        foreach (string project in Repository.Files("", ".csproj"))
        {
            bool allowed = project.Contains("/Interpose/", StringComparison.Ordinal);
            Assert.True(
                allowed || !File.ReadAllText(project).Contains("AllowUnsafeBlocks", StringComparison.Ordinal),
                project);
        }

        foreach (string file in Sources())
        {
            string text = File.ReadAllText(file);
            Assert.False(Regex.IsMatch(text, @"\[DllImport"), file);
            Assert.True(file.Contains("/LibC/", StringComparison.Ordinal)
                || !Regex.IsMatch(text, @"\[LibraryImport"), file);
        }
    }

    [Fact]
    public void What_the_engine_asks_of_ptrace_the_supervisors_filter_allows()
    {
        string filter = string.Concat(
            Repository.Files("Sandbox/Sandbox.Kernel/Seccomp", "SupervisorFilter.cs").Select(File.ReadAllText));
        string engine = string.Concat(Repository.Files("Interpose/Interpose/Ptrace", ".cs")
            .Concat(Repository.Files("Interpose/Interpose/LibC", "Tracing.cs")).Select(File.ReadAllText));
        string[] requests =
        [
            .. Regex.Matches(engine, @"\bPTRACE_(?!O_|EVENT_|SYSCALL_INFO_|SEIZE)[A-Z_]+")
                .Select(m => m.Value).Distinct(),
        ];
        Assert.True(requests.Length > 8, string.Join(' ', requests));
        Assert.All(requests, r => Assert.Contains(r, filter, StringComparison.Ordinal));
    }

    [Fact]
    public void The_kernel_does_no_input_or_output()
    {
        foreach (string file in Repository.Files("Sandbox/Sandbox.Kernel", ".cs"))
        {
            Assert.False(
                Regex.IsMatch(File.ReadAllText(file), @"using System\.(IO|Diagnostics|Threading)\b(?!\.CodeAnalysis)|\bunsafe\b|\bConsole\."),
                file);
        }
    }

    [Fact]
    public void There_is_one_commit_point()
    {
        int commits = Repository.Files("Sandbox", ".cs")
            .Sum(f => Regex.Count(File.ReadAllText(f), @"\b[Uu]nwind\.Commit\(\)"));
        Assert.Equal(1, commits);
    }

    [Theory]
    [InlineData("ValidatedClone")]
    [InlineData("UnpublishedTask")]
    [InlineData("PopulatedTask")]
    [InlineData("ReservedTask")]
    [InlineData("PublishedTask")]
    [InlineData("RunningTask")]
    public void Each_stage_says_what_it_holds_and_how_it_fails(string stage)
    {
        string text = File.ReadAllText(
            Path.Combine(Repository.Root, "Sandbox/Sandbox.Kernel/Fork", stage + ".cs"));
        foreach (string word in new[] { "Holds:", "Took:", "Can fail with:", "Kernel counterpart:", "Next:" })
        {
            Assert.Contains(word, text, StringComparison.Ordinal);
        }

        Assert.Contains($"private {stage}(", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Sources_keep_to_the_style()
    {
        string[] problems = [.. Sources().SelectMany(f => StyleProblems(f, File.ReadAllText(f)))];
        Assert.True(problems.Length == 0, string.Join('\n', problems));
    }

    [Fact]
    public void A_breach_of_style_is_found()
    {
        string longLine = "// " + new string('x', MostColumns);
        string longFile = string.Concat(Enumerable.Repeat("//\n", MostLines + 1));
        string longMethod = "class C { void M() {\n" + string.Concat(Enumerable.Repeat(";\n", 80)) + "} }";
        Assert.Single(StyleProblems("a.cs", longLine));
        Assert.Single(StyleProblems("a.cs", longFile));
        Assert.Single(StyleProblems("a.cs", longMethod));
        Assert.Single(StyleProblems("a.cs", "// " + "TO" + "DO later"));
        Assert.Single(StyleProblems("a.cs", "// " + "FIX" + "ME later"));
        Assert.Single(StyleProblems("a.cs", "throw new " + "NotImplemented" + "Exception();"));
        Assert.Single(StyleProblems("a.cs", "\t//"));
        Assert.Single(StyleProblems("/Fork/a.cs", "using System.Linq;"));
    }

    private static IEnumerable<string> Sources() => new[] { "Interpose", "Policies", "Sandbox" }
        .SelectMany(folder => Repository.Files(folder, ".cs", ".c", ".h"));

    private static IEnumerable<string> WrongArrows(string path, string text)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        IEnumerable<string> targets = XDocument.Parse(text).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!));
        string[] allowed = Allowed.TryGetValue(name, out string[]? known) ? known
            : name.EndsWith(".Tests", StringComparison.Ordinal) ? [name[..^".Tests".Length]] : [];
        return targets.Where(t => !allowed.Contains(t)).Select(t => $"{name} -> {t}");
    }

    private static IEnumerable<string> StyleProblems(string file, string text)
    {
        string[] lines = text.TrimEnd('\n').Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length > MostColumns || lines[i].Contains('\t', StringComparison.Ordinal))
            {
                yield return $"{file}:{i + 1}: a tab, or more than {MostColumns} columns";
            }
        }

        if (lines.Length > MostLines)
        {
            yield return $"{file}: more than {MostLines} lines";
        }

        if (Regex.IsMatch(text, @"\b(TODO|FIXME|NotImplementedException)\b"))
        {
            yield return $"{file}: unfinished work";
        }

        if (Regex.IsMatch(file, "/(Fork|Tasks|Ptrace)/") && text.Contains("using System.Linq", StringComparison.Ordinal))
        {
            yield return $"{file}: LINQ on the stop path";
        }

        foreach (string method in file.EndsWith(".cs", StringComparison.Ordinal) ? LongMethods(text) : [])
        {
            yield return $"{file}: {method} is longer than {MostMethodLines} lines";
        }
    }

    private static IEnumerable<string> LongMethods(string text) =>
        from method in CSharpSyntaxTree.ParseText(text).GetRoot().DescendantNodes().OfType<BaseMethodDeclarationSyntax>()
        let span = method.SyntaxTree.GetLineSpan(method.Span)
        where method.Body is not null
        where span.EndLinePosition.Line - span.StartLinePosition.Line >= MostMethodLines
        select method is MethodDeclarationSyntax named ? named.Identifier.Text : "constructor";
}
