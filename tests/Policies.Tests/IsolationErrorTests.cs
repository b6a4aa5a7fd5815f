using System.Linq;
using Policies.Files;

namespace Policies.Tests;

/// <summary>What the reader says of isolation, filesystem and degrade when they are wrong.</summary>
public sealed class IsolationErrorTests
{
    [Theory]
    [InlineData("namespaces: [nett]", "16: isolation.namespaces: there is no namespace 'nett'; did you mean net?")]
    [InlineData("namespaces: [mnt]", "16: isolation.namespaces: there is no namespace 'mnt'")]
    [InlineData("namespaces: pid", "15: isolation.namespaces takes a list of namespaces such as mount, not 'pid'; "
        + "write ['pid']")]
    [InlineData("namespaces: [~]", "16: isolation.namespaces takes namespaces such as mount, not nothing")]
    [InlineData("namespaces: [[pid]]", "16: isolation.namespaces takes namespaces such as mount, not a list")]
    [InlineData("hostname: -x", "13: isolation.hostname takes a name of 1 to 64 letters, digits, hyphens and dots, "
        + "the ends being neither, not '-x'")]
    [InlineData("hostname: 12", "13: isolation.hostname takes a name of 1 to 64 letters, digits, hyphens and dots, "
        + "the ends being neither, not '12'; write it in quotes")]
    [InlineData("user: {uid: -1}", "15: isolation.user.uid takes a number from 0 to 2147483647, not '-1'")]
    [InlineData("user: {pid: 1}", "10: there is no key 'isolation.user.pid'; did you mean uid?")]
    [InlineData("user: root", "9: isolation.user is a section with keys, not 'root'")]
    [InlineData("capabilities: [CAP_SYSADMIN]", "18: isolation.capabilities: there is no capability 'CAP_SYSADMIN'; "
        + "did you mean CAP_SYS_ADMIN?")]
    [InlineData("capabilities: [NET_RAW]", "18: isolation.capabilities: there is no capability 'NET_RAW'; did you "
        + "mean CAP_NET_RAW?")]
    [InlineData("network: nine", "12: isolation.network takes none or host, not 'nine'; did you mean none?")]
    [InlineData("time_offset: {monotonic: 1d}", "28: isolation.time_offset.monotonic takes a duration such as 90s, "
        + "-10m or 1h, not '1d'")]
    [InlineData("time_offset: {monotonic: 5}", "28: isolation.time_offset.monotonic takes a duration such as 90s, "
        + "-10m or 1h, not '5'")]
    [InlineData("landlock: true", "13: isolation.landlock takes on or off, not 'true'")]
    [InlineData("syscalls: {deny: ['@mounts']}", "21: isolation.syscalls.deny: there is no system call '@mounts'; "
        + "did you mean @mount?")]
    [InlineData("syscalls: {deny: [pivotroot]}", "21: isolation.syscalls.deny: there is no system call 'pivotroot'; "
        + "did you mean pivot_root?")]
    [InlineData("syscalls: {deny: [clone]}", "21: isolation.syscalls.deny: clone is decided by the section creation; "
        + "close it with creation.entry.clone")]
    [InlineData("syscalls: {deny: [ioctl]}", "21: isolation.syscalls.deny: ioctl is looked at by the filter of every "
        + "run, which lets it pass but for what would end the sandbox")]
    [InlineData("syscalls: {deny: [execve]}", "21: isolation.syscalls.deny: execve is what every program starts, "
        + "goes on or ends by")]
    [InlineData("syscalls: {allow: [io_uring_setup]}", "22: isolation.syscalls.allow: io_uring_setup is always "
        + "denied, for no filter sees what the kernel does for it")]
    [InlineData("syscalls: {forbid: []}", "14: there is no key 'isolation.syscalls.forbid'")]
    [InlineData("seccomp: {}", "3: there is no key 'isolation.seccomp'")]
    public void A_wrong_key_of_isolation_is_told(string key, string expected) => Assert.Equal(
        ["p.yaml:3:" + expected], Texts.Errors($"version: 1\nisolation:\n  {key}\n"));

    [Theory]
    [InlineData("view: fuse", "9: filesystem.view takes mounts, not 'fuse'; this version does not enforce it")]
    [InlineData("default: tmpfs", "12: filesystem.default takes ro, rw, hide, deny or cow, not 'tmpfs'")]
    [InlineData("paths: {~: hide}", "11: filesystem.paths: a bare ~ is YAML's null; write '~' in quotes for the home")]
    [InlineData("paths: {tmp: ro}", "11: filesystem.paths: the path 'tmp' does not begin with /, ./ or ~/")]
    [InlineData("paths: {/a/../b: ro}", "11: filesystem.paths: the path '/a/../b' holds '..', which no pattern may")]
    [InlineData("paths: {'/a/**': ro}", "11: filesystem.paths: the path '/a/**' holds '**'; a directory stands for "
        + "all below it, so leave that out")]
    [InlineData("paths: {'/a[': ro}", "11: filesystem.paths: the path '/a[' holds a '[' without a class of "
        + "characters and ']'; [[] is the character")]
    [InlineData("paths: {\"/\\e\": ro}", "11: filesystem.paths: the path '/\\u001b' holds a control character")]
    [InlineData("paths: {/a: read}", "15: filesystem.paths./a takes ro, rw, hide, deny, cow, tmpfs, proc or dev, not "
        + "'read'")]
    [InlineData("paths: {/a: row}", "15: filesystem.paths./a takes ro, rw, hide, deny, cow, tmpfs, proc or dev, not "
        + "'row'; did you mean ro?")]
    [InlineData("paths: {/a: }", "15: filesystem.paths./a takes ro, rw, hide, deny, cow, tmpfs, proc or dev, not "
        + "nothing")]
    [InlineData("paths: {/a: ro, /a/: rw}", "19: filesystem.paths: /a is there twice")]
    [InlineData("paths: {/a: {size: 1M}}", "15: filesystem.paths./a lacks 'access'")]
    [InlineData("paths: {/a: {access: ro, size: 1M}}", "15: filesystem.paths./a has a size, which only tmpfs takes")]
    [InlineData("paths: {/a: {access: tmpfs, size: 0K}}", "37: filesystem.paths./a.size takes a size such as 64M, "
        + "not '0K'")]
    [InlineData("paths: {/a: {access: tmpfs, sise: 1K}}", "31: there is no key 'filesystem.paths./a.sise'; did you "
        + "mean size?")]
    public void A_wrong_key_of_filesystem_is_told(string key, string expected) => Assert.Equal(
        ["p.yaml:3:" + expected], Texts.Errors($"version: 1\nfilesystem:\n  {key}\n"));

    [Theory]
    [InlineData("paths: [/a]")]
    [InlineData("paths: ro")]
    public void Paths_are_a_section(string key)
    {
        string error = Assert.Single(Texts.Errors($"version: 1\nfilesystem:\n  {key}\n"));
        Assert.StartsWith("p.yaml:3:10: filesystem.paths takes a section of paths such as /tmp, ", error);
        Assert.EndsWith("; write {/tmp: tmpfs}", error);
    }

    [Theory]
    [InlineData("degrade: [cgroups]", "11: degrade: there is no protection 'cgroups'; did you mean cgroup?")]
    [InlineData("degrade: [mounts]", "11: degrade: there is no protection 'mounts'; did you mean mount?")]
    [InlineData("degrade: all", "10: degrade takes a list of protections such as cgroup, not 'all'; write ['all']")]
    public void A_wrong_protection_is_told(string text, string expected) =>
        Assert.Equal(["p.yaml:2:" + expected], Texts.Errors($"version: 1\n{text}\n"));

    [Theory]
    [InlineData("isolation: {hostname: x}", "23: isolation.hostname needs the uts namespace; add uts to "
        + "isolation.namespaces")]
    [InlineData("isolation: {time_offset: {boottime: 0s}}", "37: isolation.time_offset.boottime needs the time "
        + "namespace; add time to isolation.namespaces")]
    [InlineData("filesystem: {default: ro}", "23: filesystem needs the mount namespace; add mount to "
        + "isolation.namespaces")]
    [InlineData("{isolation: {namespaces: [mount]}, filesystem: {paths: {/: ro}}}", "57: filesystem.paths needs "
        + "filesystem.default, which says what holds everywhere else; rw leaves it as the caller has it")]
    [InlineData("{isolation: {namespaces: [mount]}, filesystem: {default: ro, paths: {/proc: proc}}}", "70: "
        + "filesystem.paths./proc: proc needs the pid namespace; add pid to isolation.namespaces")]
    public void Keys_that_cannot_be_had_without_others_are_told(string text, string expected)
    {
        bool whole = text.StartsWith('{');
        string document = whole ? "{version: 1,\n" + text[1..] : $"version: 1\n{text}\n";
        int column = int.Parse(expected.Split(':')[0], null) - (whole ? 1 : 0);
        Assert.Equal(
            [$"p.yaml:2:{column}:{expected[expected.IndexOf(':')..][1..]}"], Texts.Errors(document));
    }

    [Fact]
    public void What_does_not_fit_is_told_at_once()
    {
        string[] errors = Texts.Errors("""
            version: 1
            isolation: {hostname: x, namespaces: [net], network: host}
            filesystem: {paths: {/proc: proc}}
            """);
        Assert.Equal(
            ["2:39", "2:23", "3:22", "3:22", "3:22"], errors.Select(e => string.Join(':', e.Split(':')[1..3])));
    }

    [Theory]
    [InlineData("filesystem.paths=ro", "1: 'filesystem.paths' is a section; set one of its paths: "
        + "filesystem.paths./tmp=tmpfs")]
    [InlineData("filesystem.paths.=ro", "18: filesystem.paths: the path '' does not begin with /, ./ or ~/")]
    [InlineData("filesystem.paths./a=read", "21: filesystem.paths./a takes ro, rw, hide, deny, cow, tmpfs, proc or "
        + "dev, not 'read'")]
    [InlineData("filesystem.path./a=ro", "1: there is no key 'filesystem.path./a'; did you "
        + "mean filesystem.paths?")]
    [InlineData("isolation.syscalls.deny=bpf,clone", "29: isolation.syscalls.deny: clone is decided by the section "
        + "creation; close it with creation.entry.clone")]
    [InlineData("isolation.syscalls=x", "1: 'isolation.syscalls' is a section; set one of its keys: deny, allow")]
    [InlineData("degrade=nett", "9: degrade: there is no protection 'nett'; did you mean net?")]
    public void A_wrong_setting_is_told_with_its_number_and_column(string setting, string expected) =>
        Assert.Equal(
            ["--set:1:" + expected], Texts.Errors(PolicyLoader.Load(["permissive"], [setting])));
}
