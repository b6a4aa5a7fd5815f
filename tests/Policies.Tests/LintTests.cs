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

    private static string[] Warnings(string keys) =>
    [
        .. PolicyLint.Check(Texts.Valid($"version: 1\ncreation:\n  {keys}\n")).Select(w => w.ToString()),
    ];
}
