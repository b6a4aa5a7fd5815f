using System;
using System.Collections.Generic;

namespace Sandbox.Doctor;

/// <summary>What this host can do for the sandbox: every check of every group.</summary>
/// <param name="Checks">The checks, by group.</param>
internal sealed record Diagnosis(IReadOnlyList<Check> Checks)
{
    /// <summary>
    /// The groups. Another one is a class with one method, named here. Those of namespaces come
    /// late: their children change credentials in memory that is this process's as well, which
    /// makes it undumpable, and to an unprivileged one closes its children in /proc.
    /// </summary>
    private static readonly Func<IEnumerable<Check>>[] Groups =
    [
        KernelChecks.Look, PtraceChecks.Look, SeccompChecks.Look, CallChecks.Look, ProcChecks.Look,
        CgroupChecks.Look, FileChecks.Look, NamespaceChecks.Look, IsolationChecks.Look,
    ];

    /// <summary>Whether <c>sandbox run</c> can work here.</summary>
    public bool RunIsPossible
    {
        get
        {
            foreach (Check check in Checks)
            {
                if (check.Forbids)
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>Tries everything, now.</summary>
    public static Diagnosis Take()
    {
        var checks = new List<Check>();
        foreach (Func<IEnumerable<Check>> look in Groups)
        {
            checks.AddRange(look());
        }

        return new(checks);
    }
}
