using System;
using System.IO;

namespace Conformance.Harness;

/// <summary>A test that needs a program which a small host may lack; its skip names it.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsFactAttribute : FactAttribute
{
    /// <param name="program">The program.</param>
    /// <param name="namespaces">Whether it needs runs with namespaces of their own as well.</param>
    public NeedsFactAttribute(string program, bool namespaces = false)
    {
        (Program, Namespaces) = (program, namespaces);
        Skip = Missing(program) ?? (namespaces ? Host.NoNamespaces : null);
    }

    public string Program { get; }

    public bool Namespaces { get; }

    /// <summary>Null for a program that is there; else why a test of it is skipped.</summary>
    public static string? Missing(string program)
    {
        foreach (string directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
        {
            if (File.Exists(Path.Combine(directory, program)))
            {
                return null;
            }
        }

        return $"{program} is not installed; scripts/setup installs it as root";
    }
}

/// <summary>
/// A theory that needs a program; with arguments, that it can do that where the tests run, and
/// runs with namespaces of their own.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsTheoryAttribute : TheoryAttribute
{
    public NeedsTheoryAttribute(string program, params string[] arguments)
    {
        (Program, Arguments) = (program, arguments);
        Skip = NeedsFactAttribute.Missing(program)
            ?? (arguments.Length == 0 ? null : Host.NoNamespaces ?? Refused());
    }

    public string Program { get; }

    public string[] Arguments { get; }

    private string? Refused()
    {
        Outcome native = Shell.Run("/", null, [Program, .. Arguments]);
        return native.Status == 0 ? null : $"natively it does not go here: {native.Err.Trim()}";
    }
}
