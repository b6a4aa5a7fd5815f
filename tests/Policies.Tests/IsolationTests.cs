using System;
using System.Linq;
using Interpose.Abi;
using Policies.Files;
using static Interpose.Abi.Uapi;

namespace Policies.Tests;

/// <summary>The section isolation: what its keys come to, layer over layer.</summary>
public sealed class IsolationTests : IDisposable
{
    private readonly PolicyFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_no_layer_sets_leaves_the_guest_what_the_caller_has()
    {
        Policy policy = Texts.Valid("version: 1");
        IsolationPolicy isolation = policy.Isolation;
        Assert.Empty(isolation.Namespaces);
        Assert.Empty(isolation.Denied);
        Assert.Equal(
            (NetworkAccess.Host, 0UL, false, false), (isolation.Network, isolation.Flags,
                isolation.LimitsCapabilities, isolation.Keyring));
        Assert.Equal((null, default, default), (isolation.Hostname, isolation.User, isolation.TimeOffset));
        Assert.True(policy.Filesystem.IsEmpty);
        Assert.False(policy.UsesLandlock);
        Assert.Empty(policy.Degrade);
        Assert.All(Protections.All, p => Assert.False(policy.MayDegrade(p)));
    }

    [Fact]
    public void Every_key_comes_to_what_it_says()
    {
        Policy policy = Texts.Valid("""
            version: 1
            isolation:
              namespaces: [time, uts, user, net, user, mount]
              hostname: box-1.test
              user: {uid: 0, gid: 1, host_uid: 65534, host_gid: 2147483647}
              capabilities: [CAP_CHOWN, CAP_CHECKPOINT_RESTORE, CAP_CHOWN]
              time_offset: {monotonic: -90s, boottime: 1500ms}
              landlock: on
              keyring: on
            filesystem: {default: ro}
            degrade: [cgroup, files]
            """);
        IsolationPolicy isolation = policy.Isolation;
        Assert.Equal(
            [
                (NamespaceType.User, "3:27"), (NamespaceType.Mount, "3:44"), (NamespaceType.Net, "3:33"),
                (NamespaceType.Uts, "3:22"), (NamespaceType.Time, "3:16"),
            ],
            isolation.Namespaces.Select(n => (n.Value, $"{n.Origin.Line}:{n.Origin.Column}")));
        Assert.Equal(
            CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWTIME, isolation.Flags);
        Assert.Equal("p.yaml:3:22", isolation.AskedAt(NamespaceType.Uts)!.ToString());
        Assert.Null(isolation.AskedAt(NamespaceType.Pid));
        Assert.Equal(NetworkAccess.None, isolation.Network);
        Assert.Equal("box-1.test", isolation.Hostname);
        Assert.Equal(new(0, 1, 65534, int.MaxValue), isolation.User);
        Assert.Equal((1UL << 40) | 1, isolation.Capabilities);
        Assert.Equal("p.yaml:6:17", isolation.CapabilitiesAt!.ToString());
        Assert.Equal(
            new(TimeSpan.FromSeconds(-90), TimeSpan.FromMilliseconds(1500)), isolation.TimeOffset);
        Assert.True(isolation.Keyring && policy.UsesLandlock);
        Assert.Equal([Protection.Cgroup, Protection.Files], policy.Degrade.Select(d => d.Value));
        Assert.True(policy.MayDegrade(Protection.Files));
        Assert.False(policy.MayDegrade(Protection.Landlock));
    }

    [Theory]
    [InlineData("namespaces: [user, mount, net]", "namespaces: [pid]", CLONE_NEWPID)]
    [InlineData("namespaces: [user, mount, net]", "namespaces: []", 0UL)]
    [InlineData("namespaces: [user, net]", "hostname: x", CLONE_NEWUSER | CLONE_NEWNET)]
    [InlineData("namespaces: [user, net]", "network: host", CLONE_NEWUSER)]
    [InlineData("namespaces: [user]", "network: none", CLONE_NEWUSER | CLONE_NEWNET)]
    [InlineData("network: none", "namespaces: [user]", CLONE_NEWUSER | CLONE_NEWNET)]
    [InlineData("network: none", "network: host", 0UL)]
    [InlineData("network: host", "network: none", CLONE_NEWNET)]
    [InlineData("network: host", "namespaces: [user]", CLONE_NEWUSER)]
    [InlineData("{namespaces: [user, net], network: none}", "network: host", CLONE_NEWUSER)]
    public void A_list_replaces_the_one_below_and_network_adds_or_takes_its_namespace(
        string below, string above, ulong flags)
    {
        Write("below", below + "\n");
        Write("above", above.Replace("hostname: x", "landlock: off"));
        Assert.Equal(flags, _folder.Valid("below", "above").Isolation.Flags);
    }

    [Theory]
    [InlineData("{namespaces: [user, net], network: host}", "{}", "below:2:32", "below:2:47")]
    [InlineData("network: host", "namespaces: [net]", "above:2:26", "below:2:22")]
    public void The_net_namespace_beside_the_hosts_network_is_refused_with_both_places(
        string below, string above, string net, string host)
    {
        Write("below", below);
        Write("above", above);
        Assert.Equal(
            [$"{net}: the net namespace cannot be had together with the host's network, set at {host}; "
                + "leave out one of them"],
            _folder.Errors("below", "above"));
    }

    [Fact]
    public void A_later_list_of_capabilities_or_of_what_may_be_missing_replaces_the_earlier()
    {
        Write("a", "{capabilities: [CAP_CHOWN, CAP_KILL], landlock: on}\ndegrade: [time, user]");
        Write("b", "{capabilities: [CAP_KILL], landlock: off}\ndegrade: [net]");
        Write("none", "{capabilities: [], landlock: off}\ndegrade: []");
        Policy policy = _folder.Valid("a", "b");
        Assert.Equal(1UL << CAP_KILL, policy.Isolation.Capabilities);
        Assert.False(policy.UsesLandlock);
        Assert.Equal([Protection.Net], policy.Degrade.Select(d => d.Value));
        Policy empty = _folder.Valid("a", "none");
        Assert.Equal((0UL, true), (empty.Isolation.Capabilities, empty.Isolation.LimitsCapabilities));
        Assert.Empty(empty.Degrade);
    }

    [Theory]
    [InlineData("deny: [mount, ptrace]", "{}", "ptrace mount")]
    [InlineData("deny: ['@swap']", "{}", "swapon swapoff")]
    [InlineData("{deny: ['@swap', swapon], allow: [swapon, swapoff]}", "{}", "swapon")]
    [InlineData("{deny: ['@swap'], allow: ['@swap']}", "{}", "swapon swapoff")]
    [InlineData("{deny: [swapon], allow: ['@swap']}", "{}", "swapon")]
    [InlineData("{deny: ['@swap'], allow: [swapon]}", "{}", "swapoff")]
    [InlineData("deny: ['@swap', bpf]", "allow: [swapon]", "swapoff bpf")]
    [InlineData("deny: ['@swap', swapon, bpf]", "allow: ['@swap']", "bpf")]
    [InlineData("allow: [swapon]", "deny: ['@swap']", "swapon swapoff")]
    [InlineData("deny: [bpf]", "deny: [swapon]", "swapon bpf")]
    public void The_last_layer_that_names_a_system_call_decides(
        string below, string above, string denied)
    {
        Write("below", $"syscalls: {Braced(below)}");
        Write("above", $"syscalls: {Braced(above)}");
        Assert.Equal(denied.Split(' '), _folder.Valid("below", "above").Isolation.Denied
            .Select(d => SyscallNames.Of(d.Number)));
    }

    [Fact]
    public void A_denied_call_knows_its_answer_its_group_and_its_place()
    {
        Policy policy = Texts.Valid(
            "{version: 1, isolation: {syscalls: {deny: [keyctl, '@keyring', '@swap', socket], allow: [swapon]}}}");
        Assert.Equal(
            [
                ("socket", Errno.EPERM, null, 73), ("swapoff", Errno.EPERM, "@swap", 64),
                ("add_key", Errno.ENOSYS, "@keyring", 52), ("request_key", Errno.ENOSYS, "@keyring", 52),
                ("keyctl", Errno.ENOSYS, null, 44),
            ],
            policy.Isolation.Denied.Select(
                d => (SyscallNames.Of(d.Number)!, d.Errno, d.Group, d.Origin.Column)));
        Sourced<int> open = Assert.Single(policy.Isolation.Reopened);
        Assert.Equal(("swapon", 90), (SyscallNames.Of(open.Value)!, open.Origin.Column));
    }

    [Fact]
    public void Settings_set_lists_and_single_values()
    {
        Policy policy = Texts.Valid(PolicyLoader.Load(
            ["permissive"],
            [
                "isolation.namespaces=user,mount", "isolation.network=none", "isolation.user.uid=0",
                "isolation.capabilities=[CAP_CHOWN]", "isolation.syscalls.deny=@swap,bpf",
                "isolation.syscalls.allow=swapon", "degrade=time", "isolation.time_offset.boottime=-1h",
                "isolation.namespaces=user,time",
            ]));
        Assert.Equal(CLONE_NEWUSER | CLONE_NEWTIME | CLONE_NEWNET, policy.Isolation.Flags);
        Assert.Equal(2, policy.Isolation.Denied.Length);
        Assert.Equal("--set:9:27", policy.Isolation.AskedAt(NamespaceType.Time)!.ToString());
        Assert.Equal(0, policy.Isolation.User.Uid);
        Assert.Equal(TimeSpan.FromHours(-1), policy.Isolation.TimeOffset.Boottime);
        Assert.True(policy.MayDegrade(Protection.Time));
    }

    [Fact]
    public void Protections_that_are_namespaces_have_their_names()
    {
        Assert.All(NamespaceTypes.All, t => Assert.Equal(t.Name(), Protections.Of(t).Name()));
        Assert.Equal(
            Protections.All.Length, Protections.All.Select(p => p.Name()).Distinct().Count());
        Assert.Equal(Enum.GetValues<Protection>(), Protections.All);
    }

    private static string Braced(string text) => text.StartsWith('{') ? text : $"{{{text}}}";

    /// <summary>A policy whose section isolation is the first line, with what follows.</summary>
    private void Write(string name, string text)
    {
        string[] parts = text.TrimEnd('\n').Split('\n', 2);
        string rest = parts.Length > 1 ? parts[1] + "\n" : string.Empty;
        _folder.Write(name, $"version: 1\nisolation: {Braced(parts[0])}\n{rest}");
    }
}
