using System.Linq;
using Interpose.Cgroups;
using Interpose.Probes;

namespace Interpose.Tests;

/// <summary>Where controllers are, from what /proc says on hosts of several kinds.</summary>
public sealed class CgroupTreeTests
{
    private static readonly MountPoint Unified = new("/", "/sys/fs/cgroup", "cgroup2", "rw");

    [Fact]
    public void Version_2_alone_has_what_the_group_is_given()
    {
        CgroupTree tree = Tree(
            ["0::/user.slice/app.scope"], [Unified],
            ("/sys/fs/cgroup/user.slice/app.scope", "cpu memory pids"));
        Assert.Equal("/sys/fs/cgroup/user.slice/app.scope", tree.Unified);
        Assert.Equal(new(tree.Unified!, true), tree.Of("memory"));
        Assert.Null(tree.Of("io"));
        Assert.Equal(["/sys/fs/cgroup"], tree.Roots);
        Assert.Equal([tree.Unified!, "/sys/fs/cgroup/user.slice"], tree.Homes);
        Assert.Equal(["/sys/fs/cgroup"], Tree(["0::/"], [Unified], ("/sys/fs/cgroup", "cpu")).Homes);
    }

    [Fact]
    public void On_a_hybrid_each_controller_is_where_it_was_put()
    {
        CgroupTree tree = Tree(
            ["4:memory:/a/b", "2:cpu,cpuacct:/", "3:blkio:/", "1:name=systemd:/x", "0::/"],
            [
                new("/", "/cg/memory", "cgroup", "rw,memory"),
                new("/", "/cg/cpu", "cgroup", "rw,cpuacct,cpu"),
                new("/", "/cg/blkio", "cgroup", "rw,blkio"), Unified with { Target = "/cg/unified" },
            ],
            ("/cg/unified", "hugetlb"));
        Assert.Equal(new("/cg/memory/a/b", false), tree.Of("memory"));
        Assert.Equal(new("/cg/cpu", false), tree.Of("cpu"));
        Assert.Equal(new("/cg/blkio", false), tree.Of("io"));
        Assert.Equal(new("/cg/unified", true), tree.Of("hugetlb"));
        Assert.Null(tree.Of("pids"));
        Assert.Equal(["/cg/memory", "/cg/cpu", "/cg/blkio", "/cg/unified"], tree.Roots);
        Assert.Equal(["/cg/memory/a/b", "/cg/cpu", "/cg/blkio"], tree.Homes);
    }

    [Theory]
    [InlineData("/docker/1", "0::/docker/1/in", "/cg/in")]
    [InlineData("/docker/1", "0::/docker/1", "/cg")]
    [InlineData("/docker/1", "0::/docker/12", null)]
    [InlineData("/", "0::/../other", null)]
    [InlineData("/", "0::", "/cg")]
    [InlineData("/", "nonsense", null)]
    [InlineData("/", "0:name=systemd:/", null)]
    public void A_group_is_named_from_the_root_of_the_mount(
        string root, string line, string? expected)
    {
        CgroupTree tree = Tree([line], [new(root, "/cg", "cgroup2", "rw")], ("/cg", ""));
        Assert.Equal(expected, tree.Unified);
    }

    private static CgroupTree Tree(
        string[] groups, MountPoint[] mounts, params (string Directory, string Has)[] controllers) =>
        CgroupTree.From(
            groups, mounts,
            directory => [.. controllers.Where(c => c.Directory == directory).Select(c => c.Has)]);
}
