using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Sandbox.Analyzers.Tests;

/// <summary>The sources of this repository.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    /// <summary>Files below a folder by ending, without what is built.</summary>
    public static IEnumerable<string> Files(string folder, params string[] endings) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*", SearchOption.AllDirectories)
            .Where(f => endings.Any(e => f.EndsWith(e, StringComparison.Ordinal))
                && !f.Contains("/obj/", StringComparison.Ordinal)
                && !f.Contains("/bin/", StringComparison.Ordinal));

    private static string Find()
    {
        string? at = AppContext.BaseDirectory;
        while (at is not null && !File.Exists(Path.Combine(at, "Sandbox.sln")))
        {
            at = Path.GetDirectoryName(at);
        }

        return at ?? throw new InvalidOperationException("Sandbox.sln is not above the tests");
    }
}
