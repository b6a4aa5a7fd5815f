using System;
using System.IO;

namespace Conformance.Harness;

/// <summary>A test that needs a program which a small host may lack; skipped with its name.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsFactAttribute : FactAttribute
{
    public NeedsFactAttribute(string program)
    {
        Program = program;
        foreach (string directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
        {
            if (File.Exists(Path.Combine(directory, program)))
            {
                return;
            }
        }

        Skip = $"{program} is not installed; scripts/setup installs it as root";
    }

    public string Program { get; }
}
