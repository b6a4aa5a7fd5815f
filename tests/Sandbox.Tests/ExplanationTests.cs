using System;
using System.Linq;
using Policies;
using Policies.Files;
using Sandbox.Explain;

namespace Sandbox.Tests;

/// <summary>What <c>sandbox explain</c> says, and that its advice helps.</summary>
public sealed class ExplanationTests
{
    [Theory]
    [InlineData("default", "fork()",
        "entry fork is open", "shape @fork: allowed", "stage 6 RunningTask",
        "verdict allowed", "filter with -q as without: stop for the supervisor")]
    [InlineData("default", "clone(CLONE_NEWNS|CLONE_FS|SIGCHLD)",
        "rule EINVAL copy_process: CLONE_NEWNS with CLONE_FS",
        "verdict EINVAL (Invalid argument), by the kernel's rule: copy_process: CLONE_NEWNS")]
    [InlineData("default", "clone3(CLONE_NEWUSER|CLONE_VM, exit_signal=SIGCHLD)",
        "decoded CLONE_VM|CLONE_NEWUSER, exit signal SIGCHLD",
        "flag CLONE_NEWUSER: denied: EPERM [builtin:processes.yaml:",
        "verdict EPERM (Operation not permitted), by the policy: creation.deny",
        "to allow --set creation.allow=CLONE_VM,CLONE_NEWUSER")]
    [InlineData("strict", "vfork",
        "entry vfork is closed: EPERM [builtin:strict.yaml:",
        "to allow --set creation.entry.vfork=allow --set creation.allow=@vfork",
        "by itself: EPERM")]
    [InlineData("permissive", "clone(CLONE_UNTRACED|SIGCHLD)",
        "flag CLONE_UNTRACED: stripped, taken out", "runs clone(), from registers",
        "verdict allowed")]
    [InlineData("default", "unshare(CLONE_NEWNET|CLONE_FS)",
        "flag CLONE_NEWNET: denied: EPERM", "by itself: EPERM",
        "to allow --set creation.allow=CLONE_NEWNET")]
    [InlineData("default", "unshare(CLONE_PIDFD)",
        "rule EINVAL check_unshare_flags: unknown flags", "by itself: EINVAL")]
    [InlineData("default", "setns(3, CLONE_NEWNET)",
        "entry setns is closed: EPERM", "to allow --set creation.entry.setns=allow")]
    [InlineData("permissive", "setns(3, CLONE_NEWNET)",
        "runs setns(CLONE_NEWNET)", "verdict allowed", "by itself: allow")]
    [InlineData("default", "clone3(CLONE_CLEAR_SIGHAND)",
        "verdict ENOSYS (Invalid system call number), by the engine")]
    [InlineData("default", "clone3(size=5)",
        "rule EINVAL copy_clone_args_from_user: size below CLONE_ARGS_SIZE_VER0")]
    public void A_call_is_told_stage_by_stage(string policy, string call, params string[] parts)
    {
        string text = Words(Explain(call, [policy], []));
        foreach (string part in parts)
        {
            Assert.Contains(part, text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("unshare(CLONE_NEWUSER|CLONE_NEWNET)")]
    [InlineData("clone(CLONE_NEWUSER|CLONE_NEWNET|SIGCHLD)")]
    public void Budgets_of_the_namespaces_that_a_call_makes_are_told(string call)
    {
        string text = Words(Explain(
            call, ["permissive"],
            ["creation.namespaces.user.max=2", "creation.namespaces.net.depth=1", "creation.namespaces.pid.max=1"]));
        Assert.Contains("budget creation.namespaces.user.max: 2 [--set:1:30]", text, StringComparison.Ordinal);
        Assert.Contains("budget creation.namespaces.net.depth: 1 [--set:2:31]", text, StringComparison.Ordinal);
        Assert.DoesNotContain("pid.max", text, StringComparison.Ordinal);
        Assert.Contains("verdict allowed", text, StringComparison.Ordinal);
        text = Words(Explain(call, ["permissive"], ["creation.namespaces.user.max=0"]));
        Assert.Contains(
            "verdict ENOSPC (No space left on device), by a limit: creation.namespaces.user.max",
            text, StringComparison.Ordinal);
    }

    [Fact]
    public void Required_and_stripped_flags_are_told_with_what_then_runs()
    {
        Explanation told = Explain(
            "clone3(CLONE_IO|CLONE_NEWIPC)", ["permissive"],
            ["creation.strip=CLONE_IO", "creation.require=CLONE_NEWUTS"]);
        Assert.True(told.Allowed);
        string text = Words(told);
        Assert.Contains("CLONE_IO: stripped, taken out [--set:1:", text, StringComparison.Ordinal);
        Assert.Contains("CLONE_NEWUTS: required, put in [--set:2:", text, StringComparison.Ordinal);
        Assert.Contains(
            "runs clone(CLONE_NEWUTS|CLONE_NEWIPC), from registers", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_only_less_policy_would_allow_says_what_to_take_out()
    {
        Explanation told = Explain(
            "clone(CLONE_FS)", ["permissive"], ["creation.require=CLONE_NEWNS"]);
        Assert.False(told.Allowed);
        Assert.Contains(
            "to allow take CLONE_NEWNS out of creation.require", Words(told), StringComparison.Ordinal);
    }

    [Fact]
    public void A_flag_that_is_neither_named_nor_fits_a_required_one_needs_less_policy_as_well() =>
        Assert.Contains(
            "to allow take CLONE_NEWUSER out of creation.require",
            Words(Explain("clone(CLONE_FS)", ["default"], ["creation.require=CLONE_NEWUSER"])),
            StringComparison.Ordinal);

    [Fact]
    public void A_violation_that_ends_the_run_is_told()
    {
        string[] kill = ["creation.on_violation=kill"];
        Assert.Contains(
            "violation ends the run [--set:1:23]",
            Words(Explain("clone(CLONE_PARENT)", ["default"], kill)), StringComparison.Ordinal);
        Assert.DoesNotContain(
            "ends the run", Words(Explain("fork", ["default"], kill)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_limit_that_is_used_up_is_told_as_one()
    {
        Explanation told = Explain("fork", ["permissive"], ["creation.limits.tasks=1"]);
        Assert.False(told.Allowed);
        Assert.Contains(
            "by a limit: creation.limits.tasks [--set:1:", Words(told), StringComparison.Ordinal);
    }

    /// <summary>Each flag by each call, alone and as of a thread.</summary>
    [Theory]
    [InlineData("default")]
    [InlineData("build")]
    [InlineData("strict")]
    [InlineData("strict", "creation.entry.clone=allow", "creation.entry.clone3=allow")]
    [InlineData("permissive", "creation.deny.@all=EUSERS", "creation.entry.unshare=ENOSPC")]
    public void What_an_explanation_advises_lets_the_call_through(
        string policy, params string[] settings)
    {
        int denied = 0;
        foreach (string flag in CloneFlags.Names.Append("0"))
        {
            foreach (string call in new[]
            {
                "fork", "vfork", $"clone({flag})", $"clone3({flag})", $"unshare({flag})",
                $"clone({flag}|CLONE_THREAD|CLONE_SIGHAND|CLONE_VM)", $"setns(3, {flag})",
                $"clone3({flag}|CLONE_VFORK|CLONE_VM, exit_signal=SIGCHLD)",
            })
            {
                Explanation told = Explain(call, [policy], settings);
                string[] advice = Advice(told.ToString());
                Explanation after = Explain(call, [policy], [.. settings, .. advice]);
                bool kernels = after.ToString().Contains("by the kernel's rule", StringComparison.Ordinal)
                    || after.ToString().Contains("by the engine", StringComparison.Ordinal);
                Assert.True(after.Allowed || kernels, $"{call}\n{told}\n{after}");
                Assert.Empty(Advice(after.ToString()));
                denied += advice.Length > 0 ? 1 : 0;
            }
        }

        Assert.InRange(denied, 10, int.MaxValue);
    }

    /// <summary>A text without its columns.</summary>
    private static string Words(Explanation told) =>
        string.Join(' ', told.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static string[] Advice(string text)
    {
        const string Label = "to allow  --set ";
        string? line = text.Split('\n').SingleOrDefault(
            l => l.StartsWith(Label, StringComparison.Ordinal));
        return line?[Label.Length..].Split(" --set ") ?? [];
    }

    private static Explanation Explain(string call, string[] names, string[] settings)
    {
        LoadedPolicy loaded = PolicyLoader.Load(names, settings);
        Assert.True(loaded.Policy is not null, string.Join('\n', loaded.Problems));
        CallText? parsed = CallText.Parse(call, out CallTextError? error);
        Assert.True(parsed is not null, $"{call}: {error?.Column}: {error?.Message}");
        return Explanation.Of(parsed, loaded.Policy);
    }
}
