using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;

namespace Bench;

/// <summary><c>make -j2</c> of a C project of others: Lua, from Debian's archive.</summary>
internal static class RealProject
{
    private const string Package = "lua5.4";

    public static Case What { get; } =
        new("`make -j2` of Lua 5.4", "make", Pinned: null, Free: 1.03);

    /// <summary>Fetches the source once; null with the reason when it cannot be had.</summary>
    public static string? Prepare(Host host, out string why)
    {
        string archive = Path.Combine(host.Work, "source");
        (int status, _, why) = Shell.Run(
            host.Root, Path.Combine(host.Root, "tests", "bench", "fetch"), Package, archive);
        string? tarball = status != 0 ? null
            : Directory.EnumerateFiles(archive, Package + "_*.orig.tar.*").FirstOrDefault();
        if (tarball is null)
        {
            return null;
        }

        string tree = Path.Combine(host.Work, Package);
        if (Directory.Exists(tree))
        {
            Directory.Delete(tree, recursive: true);
        }

        Directory.CreateDirectory(tree);

        // Root without capabilities, as the policy 'build' has it, writes to its own files only.
        Shell.Must(tree, "tar", "-xf", tarball, "--strip-components=1", "--no-same-owner");
        return Path.Combine(tree, "src");
    }

    public static Measured Build(Interleaver inTurn, IReadOnlyList<Way> ways, string source) =>
        new(What, false, inTurn.InTurn(What.Name, ways, way =>
        {
            Shell.Must(source, "make", "-s", "clean");
            long start = Stopwatch.GetTimestamp();
            Shell.Must(source, [.. way.Prefix, "make", "-s", "-j2", "generic"]);
            return Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        }));
}
