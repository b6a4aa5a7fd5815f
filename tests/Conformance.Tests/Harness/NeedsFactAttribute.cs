using System;
using System.IO;

namespace Conformance.Harness;

/// <summary>A test that needs a program which a small host may lack; its skip names it.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsFactAttribute : FactAttribute
{
    public NeedsFactAttribute(string program) => (Program, Skip) = (program, Missing(program));

    public string Program { get; }

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

/// <summary>The same for a theory.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsTheoryAttribute : TheoryAttribute
{
    public NeedsTheoryAttribute(string program) =>
        (Program, Skip) = (program, NeedsFactAttribute.Missing(program));

    public string Program { get; }
}
