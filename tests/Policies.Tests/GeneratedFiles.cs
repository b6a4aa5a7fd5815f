using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Policies.Files;

namespace Policies.Tests;

/// <summary>
/// Files that are made from others. <c>make generate</c> writes them; without it they are
/// compared.
/// </summary>
public sealed class GeneratedFiles
{
    private const string Begin = "<!-- made from the model by 'make generate' -->\n";
    private const string End = "<!-- end of what is made -->\n";

    [Fact]
    public void The_profiles_that_ship_are_compiled_from_their_files()
    {
        var names = new StringBuilder();
        foreach (string name in BuiltinPolicies.Names)
        {
            string constant = char.ToUpperInvariant(name[0]) + name[1..];
            names.Append($"        \"{name}\" => {constant},\n");
            byte[] yaml = File.ReadAllBytes(Repository.File($"Policies/profiles/{name}.yaml"));
            var problems = new List<PolicyProblem>();
            PolicyNode? root = YamlText.Read(yaml, new(name), problems);
            Assert.Empty(problems);
            var text = new StringBuilder($"    private const string {constant} =\n        \"\"\"\n");
            foreach (string line in CompiledText.Write(root!).TrimEnd('\n').Split('\n'))
            {
                text.Append($"        {line}\n");
            }

            IsCurrent(
                $"Policies/Policies/Files/BuiltinProfiles.{constant}.g.cs",
                Class(text.Append("        \"\"\";\n").ToString()));
        }

        IsCurrent("Policies/Policies/Files/BuiltinProfiles.g.cs", Class(
            "    public static string? Compiled(string name) => name switch\n    {\n" + names
            + "        _ => null,\n    };\n"));
    }

    private static string Class(string body) =>
        "// Made from Policies/profiles by 'make generate'.\n#nullable enable\n"
        + "namespace Policies.Files;\n\ninternal static partial class BuiltinProfiles\n{\n" + body + "}\n";

    [Fact]
    public void Every_profile_is_listed()
    {
        string[] files = Directory.GetFiles(Repository.File("Policies/profiles"), "*.yaml");
        Assert.Equal(files.Length, BuiltinPolicies.Names.Count);
    }

    [Fact]
    public void The_reference_is_made_from_the_model()
    {
        string path = Repository.File("docs/policy.md");
        string now = File.ReadAllText(path);
        int begin = now.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        int end = now.IndexOf(End, StringComparison.Ordinal);
        Assert.True(end >= begin);
        IsCurrent("docs/policy.md", now[..begin] + "\n" + PolicyReference.Write() + "\n" + now[end..]);
    }

    private static void IsCurrent(string file, string expected)
    {
        string path = Repository.File(file);
        if (Environment.GetEnvironmentVariable("WRITE_GENERATED") == "1")
        {
            File.WriteAllText(path, expected);
        }

        Assert.True(File.Exists(path) && expected == File.ReadAllText(path), $"{file} is out of date: run make generate");
    }
}

/// <summary>The checkout that the tests were built from.</summary>
internal static class Repository
{
    private static readonly string Root = FindRoot();

    public static string File(string name) => Path.Combine(Root, name);

    private static string FindRoot()
    {
        string? at = AppContext.BaseDirectory;
        while (at is not null && !System.IO.File.Exists(Path.Combine(at, "Sandbox.sln")))
        {
            at = Path.GetDirectoryName(at);
        }

        return at ?? throw new InvalidOperationException("Sandbox.sln is not above the tests");
    }
}
