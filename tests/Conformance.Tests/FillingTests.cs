using System;
using System.IO;
using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>What a run may fill, under the policy for untrusted programs.</summary>
[Collection("engine")]
public sealed class FillingTests
{
    private const int Megabyte = 1 << 20;

    /// <summary>Everywhere that it can write it is stopped at the size of the policy.</summary>
    [Theory]
    [MemberData(nameof(Isolated.Ways), MemberType = typeof(Isolated))]
    public void A_guest_that_fills_its_disks_is_stopped_at_their_sizes(Way way)
    {
        using var place = new Isolated(way);
        string policy = place.Write("small.yaml", """
            version: 1
            extends: default
            filesystem:
              paths:
                /tmp: {access: tmpfs, size: 1M}
                /var/tmp: {access: tmpfs, size: 1M}
                /run: {access: tmpfs, size: 1M}
                /dev/shm: {access: tmpfs, size: 1M}
            """);
        const string fill = "for d in /tmp /var/tmp /run /dev/shm; do head -c 3M /dev/zero 2>/dev/null >$d/fill; "
            + "stat -c '%n %s' $d/fill; i=0; rm $d/fill; while { : >$d/$i; } 2>/dev/null && [ $i -lt 3000 ]; do "
            + "i=$((i+1)); done; [ $i -lt 3000 ] && echo stopped; done; "
            + "for d in / /usr /dev /dev/pts /proc . /sys /sys/fs/cgroup; do (: >$d/fill) 2>/dev/null && echo wrote to $d; "
            + "done; :";
        Outcome run = place.Run(["-p", policy, "--set", "creation.limits.per_second=100000"], "bash", "-c", fill);
        string[] lines = run.Out.Trim().Split('\n');
        Assert.True(run.Status == 0 && lines.Length == 8, run.ToString());
        Assert.All(lines.Where((_, at) => at % 2 == 0), line => Assert.EndsWith($" {Megabyte}", line, StringComparison.Ordinal));
        Assert.All(lines.Where((_, at) => at % 2 == 1), line => Assert.Equal("stopped", line));
        Assert.Equal(["home", "small.yaml"], Directory.GetFileSystemEntries(place.Path).Select(Path.GetFileName).Order());
    }

    /// <summary>Of what it may write on the disk of the host, a file has a length.</summary>
    [Fact]
    public void A_file_of_the_host_grows_no_longer_than_the_policy_says()
    {
        using var place = new Workplace();
        Outcome run = Product.Run(
            place, ["-q", "-p", "build", "--set", "resources.file_size=1M"], "sh", "-c",
            "head -c 3M /dev/zero >file 2>/dev/null; stat -c %s file");
        Assert.Equal((0, $"{Megabyte}\n"), (run.Status, run.Out));
    }
}
