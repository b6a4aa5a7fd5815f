using System.Collections.Concurrent;
using System.IO;

namespace Conformance.Harness;

/// <summary>Guest programs in C, compiled when first asked for.</summary>
internal static class Guests
{
    private static readonly ConcurrentDictionary<string, System.Lazy<string>> Built = new();
    private static readonly string Binaries =
        Directory.CreateTempSubdirectory("sandbox-guests-").FullName;

    static Guests() => System.AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        Directory.Delete(Binaries, recursive: true);

    /// <summary>The path of a compiled guest.</summary>
    public static string Path(string name) =>
        Built.GetOrAdd(name, n => new System.Lazy<string>(() => Compile(n))).Value;

    private static string Compile(string name)
    {
        string source = System.IO.Path.Combine(
            Product.Root, "tests", "Conformance.Tests", "guests", name + ".c");
        string binary = System.IO.Path.Combine(Binaries, name);
        Outcome gcc = Shell.Run(
            "/", null, "gcc", "-std=gnu11", "-O1", "-g", "-Wall", "-Werror", "-pthread",
            "-o", binary, source, "-lutil");
        Assert.True(gcc.Status == 0, gcc.Err);
        return binary;
    }
}
