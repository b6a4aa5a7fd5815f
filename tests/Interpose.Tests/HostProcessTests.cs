using System;
using System.IO;
using System.Linq;
using Interpose.Launch;

namespace Interpose.Tests;

/// <summary>What is asked of the host at the start.</summary>
[Collection("Waits")]
public sealed class HostProcessTests
{
    [Fact]
    public void Page_tables_have_as_many_levels_as_the_processor_is_shown_with() => Assert.Equal(
        File.ReadLines("/proc/cpuinfo").First(l => l.StartsWith("flags", StringComparison.Ordinal))
            .Split(' ').Contains("la57"),
        HostProcess.HasFiveLevelPages);
}
