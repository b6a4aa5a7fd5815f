using System;
using Conformance.Harness;

namespace Conformance;

/// <summary><c>isolation.syscalls</c>: what guests get for a denied system call.</summary>
[Collection("programs")]
public sealed class DeniedCallTests
{
    private const string GetParent = "110";
    private const string RequestKey = "249";
    private const string KeyControl = "250";

    private static readonly string[] Calls = [Guests.Path("calls"), GetParent, RequestKey, KeyControl];

    /// <summary>Denials go past the supervisor, so it does not matter who wants to be told.</summary>
    [Theory]
    [InlineData("-q")]
    [InlineData("-v")]
    public void A_denied_call_gets_its_groups_errno_in_every_task(string how)
    {
        using var place = new Workplace();
        string native = Shell.Run(place.Path, null, Calls).Out;
        string denied = string.Empty;
        foreach (string task in new[] { "first", "thread", "child" })
        {
            Assert.Contains($"{task} {GetParent}: done\n", native, StringComparison.Ordinal);
            denied += $"{task} {GetParent}: EPERM\n{task} {RequestKey}: ENOSYS\n"
                + $"{task} {KeyControl}: ENOSYS\n";
        }

        Outcome run = Deny(place, how, "['@keyring', getppid]", "[]");
        Assert.Equal((0, denied), (run.Status, run.Out));
        Assert.NotEqual(native, denied);
    }

    [Fact]
    public void A_call_that_was_taken_out_of_its_group_is_as_natively()
    {
        using var place = new Workplace();
        string native = Shell.Run(place.Path, null, Calls).Out;
        string all = "['@keyring', getppid]";
        Assert.Equal(native, Deny(place, "-q", "[]", all).Out);
        string[] open = Deny(place, "-q", "['@keyring']", "[request_key]").Out.Split('\n');
        string[] asNative = native.Split('\n');
        for (int i = 0; i < asNative.Length; i++)
        {
            string expected = i % 3 == 2 && i < 9 ? asNative[i].Split(':')[0] + ": ENOSYS" : asNative[i];
            Assert.Equal(expected, open[i]);
        }
    }

    private static Outcome Deny(Workplace place, string how, string deny, string allow)
    {
        string file = place.Write(
            "policy.yaml",
            $"{{version: 1, extends: processes, isolation: {{syscalls: {{deny: {deny}, allow: {allow}}}}}}}");
        return Product.Run(place, [how, "-p", file], Calls);
    }
}
