using System.Collections.Concurrent;
using System.IO;

namespace Conformance.Harness;

/// <summary>Guest programs in C, compiled when first asked for.</summary>
internal static class Guests
{
    private static readonly ConcurrentDictionary<string, System.Lazy<string>> Built = new();
    private static readonly string[] Usual = ["-pthread"];
    private static readonly string Binaries =
        Directory.CreateTempSubdirectory("sandbox-guests-").FullName;

    static Guests() => System.AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        Directory.Delete(Binaries, recursive: true);

    /// <summary>The path of a compiled guest.</summary>
    public static string Path(string name) => Path("guests", name, Usual);

    /// <summary>The path of a compiled attack; with options of its own for gcc.</summary>
    public static string Escape(string name, params string[] options) =>
        Path("escapes", name, options.Length == 0 ? Usual : options);

    private static string Path(string folder, string name, string[] options) => Built.GetOrAdd(
        $"{folder}/{name}", _ => new System.Lazy<string>(() => Compile(folder, name, options)))
        .Value;

    private static string Compile(string folder, string name, string[] options)
    {
        string source = System.IO.Path.Combine(
            Product.Root, "tests", "Conformance.Tests", folder, name + ".c");
        string binary = System.IO.Path.Combine(
            Directory.CreateDirectory(System.IO.Path.Combine(Binaries, folder)).FullName, name);
        bool hasLibraries = System.Array.IndexOf(options, "-nostdlib") < 0;
        string[] libraries = hasLibraries ? ["-lutil"] : [];
        Outcome gcc = Shell.Run(
            "/", null,
            [
                "gcc", "-std=gnu11", "-O1", "-g", "-Wall", "-Werror", .. options, "-o", binary,
                source, .. libraries,
            ]);
        Assert.True(gcc.Status == 0, gcc.Err);
        return binary;
    }
}
