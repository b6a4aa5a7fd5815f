using System;
using System.IO;

namespace Conformance.Harness;

/// <summary>A test that needs groups with the memory and the cpu controller.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsCgroupFactAttribute : FactAttribute
{
    public NeedsCgroupFactAttribute(string? program = null)
    {
        Program = program;
        Skip = Places() is null
            ? "no cgroup with the controllers memory and cpu may be made here; root can make one"
            : program is null ? null : NeedsFactAttribute.Missing(program);
    }

    /// <summary>A program that it needs besides.</summary>
    public string? Program { get; }

    /// <summary>
    /// Where groups of runs appear: version 1 has a hierarchy each; null where none can be made.
    /// </summary>
    public static string[]? Places()
    {
        string[] both = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu"];
        string[] places = Directory.Exists(both[0]) ? both : ["/sys/fs/cgroup"];
        try
        {
            foreach (string place in places)
            {
                string trial = Path.Combine(place, $"trial-{Environment.ProcessId}");
                Directory.CreateDirectory(trial);
                bool has = places.Length > 1
                    || File.ReadAllText(place + "/cgroup.controllers").Contains(
                        "memory", StringComparison.Ordinal);
                Directory.Delete(trial);
                if (!has)
                {
                    return null;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        return places;
    }
}
