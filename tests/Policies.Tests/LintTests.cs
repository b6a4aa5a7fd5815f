using System.Linq;
using Policies.Files;

namespace Policies.Tests;

/// <summary>What the second look at a right policy finds.</summary>
public sealed class LintTests
{
    private const string Why = "; say in 'creation.because' why it is needed";

    [Theory]
    [InlineData("allow: [CLONE_NEWUSER]", "3:11: CLONE_NEWUSER opens much of the kernel to the guest" + Why)]
    [InlineData("entry: {setns: allow}", "3:18: setns lets a guest enter other namespaces" + Why)]
    [InlineData("{allow: ['@thread'], deny: {CLONE_VM: EPERM}}", "3:31: this denies CLONE_VM, without which "
        + "C libraries cannot use @thread, allowed at p.yaml:3:12")]
    [InlineData("{allow: ['@thread'], deny: {CLONE_THREAD: EPERM}}", "3:31: this denies CLONE_THREAD, without "
        + "which C libraries cannot use @thread, allowed at p.yaml:3:12")]
    [InlineData("{allow: ['@thread'], deny: {CLONE_SETTLS: EPERM}}", "3:31: this denies CLONE_SETTLS, without "
        + "which C libraries cannot use @thread, allowed at p.yaml:3:12")]
    [InlineData("{allow: ['@vfork'], deny: {CLONE_VFORK: EPERM}}", "3:30: this denies CLONE_VFORK, without which "
        + "C libraries cannot use @vfork, allowed at p.yaml:3:12")]
    [InlineData("{allow: ['@vfork'], deny: {CLONE_VM: EPERM}}", "3:30: this denies CLONE_VM, without which "
        + "C libraries cannot use @vfork, allowed at p.yaml:3:12")]
    [InlineData("{allow: [CLONE_THREAD], deny: {CLONE_FS: EPERM}}", "3:34: this denies CLONE_FS, without which "
        + "C libraries cannot use @thread, allowed at p.yaml:3:12")]
    public void A_policy_that_deserves_a_second_look_gets_it(string keys, string warning) =>
        Assert.Equal(["p.yaml:" + warning], Warnings(keys));

    [Theory]
    [InlineData("{allow: [CLONE_NEWUSER, '@namespaces'], entry: {setns: allow}, because: it must}")]
    [InlineData("{allow: ['@thread'], strip: [CLONE_FS, CLONE_FILES, CLONE_SYSVSEM]}")]
    [InlineData("{allow: ['@thread'], deny: {CLONE_IO: EPERM, CLONE_VFORK: EPERM}}")]
    [InlineData("{allow: ['@fork'], deny: {CLONE_VM: EPERM, CLONE_THREAD: EPERM}}")]
    [InlineData("{deny: {'@namespaces': EPERM}}")]
    public void Others_get_none(string keys) => Assert.Empty(Warnings(keys));

    [Fact]
    public void Each_namespace_of_a_group_is_told_where_the_group_stands()
    {
        string[] warnings = Warnings("allow: ['@namespaces']");
        Assert.Equal(8, warnings.Length);
        Assert.All(warnings, w => Assert.StartsWith("p.yaml:3:11: CLONE_NEW", w));
    }

    [Fact]
    public void The_policies_that_ship_get_none() => Assert.All(
        BuiltinPolicies.Names, n => Assert.Empty(PolicyLint.Check(BuiltinPolicies.Get(n))));

    private const string WhyIsolation = "; say in 'isolation.because' why it is needed";
    private const string WhyFiles = "; say in 'filesystem.because' why it is needed";

    [Theory]
    [InlineData("isolation: {network: host}", "2:22: the host's network reaches its services and others'"
        + WhyIsolation)]
    [InlineData("isolation: {capabilities: [CAP_KILL]}", "2:27: CAP_KILL is part of the power of root"
        + WhyIsolation)]
    [InlineData("isolation: {syscalls: {allow: [swapon]}}", "2:32: swapon is denied in @swap, for swap space is the "
        + "machine's, and holds the memory of every program" + WhyIsolation)]
    [InlineData("degrade: [net]", "2:11: without net the run is weaker than the policy says, on a host that cannot "
        + "give it" + WhyIsolation)]
    [InlineData("filesystem: {default: rw}", "2:23: guests can write all that the caller can" + WhyFiles)]
    [InlineData("filesystem: {default: ro, paths: {/: rw}}", "2:35: guests can write the whole file system" + WhyFiles)]
    [InlineData("filesystem: {default: ro, paths: {'~': rw}}", "2:35: guests can write the whole home" + WhyFiles)]
    [InlineData("filesystem: {default: ro, paths: {'~/*/': rw}}", "2:35: guests can write the whole home" + WhyFiles)]
    public void A_grant_of_isolation_asks_for_its_reason(string section, string warning) => Assert.Equal(
        ["p.yaml:" + warning],
        PolicyLint.Check(Texts.Valid(Texts.Read($"version: 1\n{section}\n"))).Select(w => w.ToString()));

    [Theory]
    [InlineData("isolation: {because: x, network: host, capabilities: [CAP_KILL], syscalls: {allow: [mount]}}\n"
        + "degrade: [net]")]
    [InlineData("isolation: {network: none, capabilities: [], syscalls: {allow: ['@numa', ustat, ptrace]}}")]
    [InlineData("filesystem: {because: x, default: rw, paths: {/: rw, '~': rw}}")]
    [InlineData("filesystem: {default: ro, paths: {.: rw, ~/.cache: rw, /: cow, '~': hide}}")]
    public void Others_of_isolation_do_not(string section) => Assert.Empty(
        PolicyLint.Check(Texts.Valid(Texts.Read($"version: 1\n{section}\n"))));

    private static string[] Warnings(string keys) =>
    [
        .. PolicyLint.Check(Texts.Valid($"version: 1\ncreation:\n  {keys}\n")).Select(w => w.ToString()),
    ];
}
