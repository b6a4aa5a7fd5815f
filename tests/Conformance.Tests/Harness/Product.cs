using System;
using System.IO;

namespace Conformance.Harness;

/// <summary>The built product, and directories to run it in.</summary>
internal static class Product
{
    public static string Root { get; } = FindRoot();

    public static string Sandbox { get; } = FindSandbox();

    /// <summary>Runs <c>sandbox run OPTIONS -- COMMAND</c>.</summary>
    public static Outcome Run(Workplace place, string[] options, params string[] command) =>
        Shell.Run(place.Path, null, [Sandbox, "run", .. options, "--", .. command]);

    /// <summary>Runs <c>sandbox ARGUMENTS</c> in a directory.</summary>
    public static Outcome Call(Workplace place, params string[] arguments) =>
        Shell.Run(place.Path, null, [Sandbox, .. arguments]);

    private static string FindRoot()
    {
        string? at = AppContext.BaseDirectory;
        while (at is not null && !File.Exists(System.IO.Path.Combine(at, "Sandbox.sln")))
        {
            at = System.IO.Path.GetDirectoryName(at);
        }

        return at ?? throw new InvalidOperationException("Sandbox.sln is not above the tests");
    }

    private static string FindSandbox()
    {
        string path = Environment.GetEnvironmentVariable("SANDBOX_BIN")
            ?? System.IO.Path.Combine(FindRoot(), "bin", "sandbox");
        return File.Exists(path) ? path
            : throw new InvalidOperationException($"{path} is not there: run make build first");
    }
}

/// <summary>An empty directory that goes away with the test.</summary>
internal sealed class Workplace : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("sandbox-test-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file; gives its path.</summary>
    public string Write(string name, string text)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(File(name))!);
        System.IO.File.WriteAllText(File(name), text);
        return File(name);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
