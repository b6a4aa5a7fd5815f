using System;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Sandbox.Analyzers.Tests;

/// <summary>What was consumed may not be used, on any path.</summary>
public sealed class OwnershipTests
{
    private const string Frame = """
        using System;
        class ConsumesAttribute : Attribute { }
        class Stage { public int Field; public Stage Next; }
        class C {
            Stage _field;
            static bool Ask() => true;
            static Stage Take([Consumes] Stage s) => new Stage();
            static bool TryTake([Consumes] Stage s, out Stage next) { next = s; return true; }
            static void Use(object s) { }
            void M(Stage a, Stage b) {
        BODY
            }
        }
        """;

    [Theory]
    [InlineData("Take(a); Use(a);")]
    [InlineData("Take(a); Take(a);")]
    [InlineData("Take(a); var n = a.Field;")]
    [InlineData("if (Ask()) Take(a); Use(a);")]
    [InlineData("if (Ask()) { Take(a); } else { Use(b); } a.Field = 1;")]
    [InlineData("while (Ask()) { Take(a); }")]
    [InlineData("for (int i = 0; i < 2; i++) { Use(a); Take(a); }")]
    [InlineData("var x = new Stage(); Take(x); Use(x);")]
    [InlineData("if (TryTake(a, out var n)) { Use(a); }")]
    [InlineData("try { Take(a); } catch { Use(a); }")]
    [InlineData("try { Take(a); } finally { Use(a); }")]
    [InlineData("try { Use(b); } finally { Take(a); } Use(a);")]
    [InlineData("var n = Ask() ? Take(a) : b; Use(a);")]
    [InlineData("Take((Stage)(object)a); Use(a);")]
    [InlineData("Use(Take(a)); Use(a);")]
    [InlineData("switch (a.Field) { case 1: Take(a); break; } Use(a);")]
    [InlineData("Take(Ask() ? a : b); Take(a); Use(a);")]
    [InlineData("if (b is { } x) { Take(x); Use(x); }")]
    public void A_use_after_consumption_is_an_error(string body) =>
        Assert.Contains("SBX001", Analyze(body));

    [Theory]
    [InlineData("Use(a); Take(a);")]
    [InlineData("Take(a); a = new Stage(); Use(a);")]
    [InlineData("if (Ask()) { Take(a); return; } Use(a);")]
    [InlineData("if (Ask()) Take(a); else Take(a);")]
    [InlineData("while (Ask()) { Take(a); a = b; }")]
    [InlineData("while (Ask()) { var x = new Stage(); Take(x); }")]
    [InlineData("if (!TryTake(a, out var n)) return; if (!TryTake(n, out var m)) return; Use(m);")]
    [InlineData("Take(a); Use(nameof(a));")]
    [InlineData("a = Take(a); Use(a);")]
    [InlineData("Take(new Stage()); Take(Take(b));")]
    [InlineData("if (Ask()) { Take(a); throw new Exception(); } Use(a);")]
    [InlineData("Func<Stage, Stage> f = x => Take(x); Use(f);")]
    public void Other_code_is_not(string body) => Assert.Empty(Analyze(body));

    [Theory]
    [InlineData("Take(_field);")]
    [InlineData("Take(a.Next);")]
    [InlineData("var array = new Stage[1]; Take(array[0]);")]
    public void A_shared_place_cannot_be_consumed(string body) =>
        Assert.Equal(["SBX002"], Analyze(body));

    [Theory]
    [InlineData("Action f = () => Use(a); Take(a); f();")]
    [InlineData("void F() { Use(a); } Take(a); F();")]
    public void A_consumed_variable_cannot_be_captured(string body) =>
        Assert.Contains("SBX003", Analyze(body));

    [Fact]
    public void The_kernel_itself_passes_without_a_crash()
    {
        string[] sources = [.. Directory.EnumerateFiles(
            Path.Combine(Repository.Root, "Sandbox", "Sandbox.Kernel"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal)).Select(File.ReadAllText)];
        Assert.True(sources.Length > 15);
        Assert.Empty(Run(sources));
    }

    private static string[] Analyze(string body)
    {
        string source = Frame.Replace("BODY", body, StringComparison.Ordinal);
        return Run(source);
    }

    private static string[] Run(params string[] sources)
    {
        MetadataReference[] references = [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(':').Where(p => Path.GetFileName(p).StartsWith("System.", StringComparison.Ordinal))
            .Select(p => MetadataReference.CreateFromFile(p))];
        CSharpCompilation compilation = CSharpCompilation.Create(
            "test", sources.Select(s => CSharpSyntaxTree.ParseText(s)), references,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        if (sources.Length == 1)
        {
            Assert.DoesNotContain(compilation.GetDiagnostics(), d => d.Severity == DiagnosticSeverity.Error);
        }

        ImmutableArray<Diagnostic> found = compilation
            .WithAnalyzers([new UseAfterConsumeAnalyzer()]).GetAnalyzerDiagnosticsAsync().GetAwaiter().GetResult();
        return [.. found.Select(d => d.Id).Distinct()];
    }
}
