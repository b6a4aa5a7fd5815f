using System;
using Policies.Files;

namespace Policies.Tests;

/// <summary>What one policy allows and another does not.</summary>
public sealed class DifferenceTests
{
    private const string Strict = """
        version: 1
        creation:
          allow: ['@fork']
          entry: {clone3: ENOSYS}
          limits: {tasks: 5, depth: 4}
          namespaces: {user: {max: 1}}
          require: [CLONE_NEWUTS]
          on_violation: kill
        resources: {core: 0, nice: 5, oom_score_adj: 9, scheduler: idle, affinity: 0-1}
        isolation:
          namespaces: [user, mount, pid, net]
          user: {host_uid: 65534}
          capabilities: [CAP_KILL]
          syscalls: {deny: ['@swap', bpf]}
          keyring: on
        filesystem:
          default: ro
          paths: {/a: hide, /b: cow, /c: rw, '~': deny, /tmp: tmpfs}
        """;

    [Fact]
    public void A_policy_allows_nothing_beyond_itself()
    {
        foreach (string name in BuiltinPolicies.Names)
        {
            Policy policy = BuiltinPolicies.Get(name);
            Assert.Empty(PolicyDifference.Beyond(policy, policy));
        }

        Assert.Empty(PolicyDifference.Beyond(Texts.Valid(Strict), Texts.Valid(Strict)));
    }

    [Fact]
    public void All_that_an_empty_policy_leaves_open_is_told()
    {
        Policy empty = Texts.Valid("version: 1");
        Assert.Equal(
            [
                "creation.entry.clone3: allow instead of ENOSYS",
                "creation.require: no CLONE_NEWUTS",
                "creation.on_violation: errno instead of kill",
                "creation.limits.tasks: no limit instead of 5",
                "creation.limits.depth: no limit instead of 4",
                "creation.namespaces.user.max: no limit instead of 1",
                "resources.core: as inherited instead of 0",
                "resources.nice: as inherited instead of 5",
                "resources.oom_score_adj: as inherited instead of 9",
                "resources.scheduler: not put back to Idle",
                "resources.affinity: every processor",
                "isolation.namespaces: the caller's user namespace",
                "isolation.namespaces: the caller's mount namespace",
                "isolation.namespaces: the caller's pid namespace",
                "isolation.network: the host's",
                "isolation.user: other ids on the host",
                "isolation.capabilities: the caller's",
                "isolation.syscalls: swapon", "isolation.syscalls: swapoff", "isolation.syscalls: bpf",
                "isolation.landlock: off",
                "isolation.set_id: allow",
                "isolation.keyring: the caller's",
                "filesystem: as the caller sees it",
            ],
            PolicyDifference.Beyond(Texts.Valid(Strict), empty));
        Assert.Equal(["p.yaml:3:11: creation.allow: @fork"],
            PolicyDifference.Beyond(empty, Texts.Valid(Strict)));
    }

    [Theory]
    [InlineData("isolation.capabilities=CAP_KILL,CAP_CHOWN", "isolation.capabilities: CAP_CHOWN", 24)]
    [InlineData("isolation.capabilities=", null, 0)]
    [InlineData("isolation.network=host", "isolation.network: the host's", 19)]
    [InlineData("isolation.network=none", null, 0)]
    [InlineData("creation.namespaces.user.map=caller", "creation.namespaces.user.map: caller", 30)]
    [InlineData("creation.namespaces.user.map=none", null, 0)]
    [InlineData("creation.namespaces.net.loopback=up", "creation.namespaces.net.loopback: up", 34)]
    [InlineData("isolation.syscalls.allow=swapon", "isolation.syscalls: swapon", 26)]
    [InlineData("isolation.syscalls.deny=ptrace", null, 0)]
    [InlineData("filesystem.default=cow", "filesystem.default: cow instead of ro", 20)]
    [InlineData("filesystem.default=deny", null, 0)]
    [InlineData("filesystem.paths./a=ro", "filesystem.paths./a: ro instead of hide", 18)]
    [InlineData("filesystem.paths./b=rw", "filesystem.paths./b: rw instead of cow", 18)]
    [InlineData("filesystem.paths./c=ro", null, 0)]
    [InlineData("filesystem.paths./a/x=ro", "filesystem.paths./a/x: ro instead of hide", 18)]
    [InlineData("filesystem.paths./c/x=rw", null, 0)]
    [InlineData("filesystem.paths./cx=rw", "filesystem.paths./cx: rw instead of ro", 18)]
    [InlineData("filesystem.paths.~/x=rw", "filesystem.paths.~/x: rw instead of deny", 18)]
    [InlineData("filesystem.paths./tmp=rw", "filesystem.paths./tmp: rw instead of tmpfs", 18)]
    [InlineData("degrade=user", "degrade: user", 9)]
    [InlineData("isolation.landlock=off", "isolation.landlock: off", 20)]
    [InlineData("creation.limits.tasks=6", "creation.limits.tasks: 6 instead of 5", 23)]
    [InlineData("creation.limits.tasks=4", null, 0)]
    [InlineData("creation.allow=CLONE_IO", "creation.allow: CLONE_IO", 16)]
    [InlineData("creation.deny.CLONE_IO=EIO", null, 0)]
    [InlineData("resources.nice=4", "resources.nice: 4 instead of 5", 0)]
    [InlineData("resources.affinity=1-2", "resources.affinity: processor 2", 0)]
    public void One_setting_more_is_told_with_its_place_if_it_allows_more(
        string setting, string? told, int column)
    {
        using var folder = new PolicyFolder();
        string path = folder.Write("p.yaml", Strict);
        Policy narrow = Texts.Valid(PolicyLoader.Load([path], []));
        Policy wide = Texts.Valid(PolicyLoader.Load([path], [setting]));
        string[] expected = told is null ? [] : [(column == 0 ? "" : $"--set:1:{column}: ") + told];
        Assert.Equal(expected, PolicyDifference.Beyond(narrow, wide));
    }

    [Fact]
    public void What_build_allows_beyond_default_is_told_where_it_was_set()
    {
        string[] beyond =
        [
            .. PolicyDifference.Beyond(BuiltinPolicies.Get("default"), BuiltinPolicies.Get("build")),
        ];
        Assert.Contains("builtin:build.yaml:8:7: creation.allow: CLONE_PARENT", beyond);
        Assert.Contains(
            "builtin:build.yaml:10:12: creation.limits.tasks: 16384 instead of 4096", beyond);
        Assert.DoesNotContain(beyond, l => l.Contains("resources", StringComparison.Ordinal));
    }
}
