using System;

namespace Conformance.Harness;

/// <summary>
/// This assembly as a guest: it prints the processors and the bytes of heap that .NET finds for
/// itself.
/// </summary>
internal static class Seen
{
    private static void Main() => Console.WriteLine(
        $"{Environment.ProcessorCount} {GC.GetGCMemoryInfo().TotalAvailableMemoryBytes}");
}
