using System;
using System.IO;
using System.Linq;

namespace Conformance.Harness;

/// <summary>What the host, or the container that the tests run in, lets them do.</summary>
internal static class Host
{
    private const string Capabilities = "CapEff:";
    private const ulong Admin = 1UL << 21;

    private static readonly Lazy<bool> Root = new(() => Environment.IsPrivilegedProcess
        && (Held() & Admin) != 0
        && Shell.Run(
            "/", null, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "true")
            .Status == 0);

    private static readonly Lazy<string?> Refusal = new(() =>
    {
        // Natively, so that no test is skipped for what is wrong with the sandbox.
        Outcome native = Shell.Run(
            "/", null, ["unshare", .. IsRoot ? [] : (string[])["-Ur"], "-mpf", "true"]);
        return native.Status == 0 ? null
            : $"natively nobody has namespaces here: {native.Err.Trim()}";
    });

    /// <summary>
    /// Whether this is root with root's rights; one of a container without them is a user like any
    /// other.
    /// </summary>
    public static bool IsRoot => Root.Value;

    /// <summary>Why no program has namespaces here; null where they can be had.</summary>
    public static string? NoNamespaces => Refusal.Value;

    private static ulong Held()
    {
        string line = File.ReadLines("/proc/self/status")
            .First(l => l.StartsWith(Capabilities, StringComparison.Ordinal));
        return Convert.ToUInt64(line[Capabilities.Length..].Trim(), 16);
    }
}

/// <summary>A test of namespaces; where the host lets nobody have any, its skip says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NamespacesFactAttribute : FactAttribute
{
    public NamespacesFactAttribute() => Skip = Host.NoNamespaces;
}

/// <summary>The same for a theory.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NamespacesTheoryAttribute : TheoryAttribute
{
    public NamespacesTheoryAttribute() => Skip = Host.NoNamespaces;
}
