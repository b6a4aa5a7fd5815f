using System;
using System.Collections.Generic;
using System.Linq;
using Interpose.Abi;
using Policies;
using Policies.Files;
using Sandbox.Kernel;
using Sandbox.Reports;
using Sandbox.Supervisor;
using static Interpose.Abi.Uapi;

namespace Sandbox.Tests;

/// <summary>Denials summed up by cause, and the change that would allow each.</summary>
public sealed class DenialTests
{
    private const int MostCauses = 256;
    private const int MostShown = 10;

    [Fact]
    public void One_cause_is_one_line_with_its_count_and_its_first_flags()
    {
        Policy policy = Load("default");
        var ledger = new DenialLedger(policy.Creation);
        Refusal refusal = Refused(policy, CLONE_NEWUSER);
        Assert.True(ledger.Add(EntryPoint.Clone, "/bin/a", refusal, CLONE_NEWUSER));
        Assert.False(ledger.Add(EntryPoint.Clone, "/bin/a", refusal, CLONE_NEWUSER | CLONE_PIDFD));

        // Another program, call, rule or set of flags that decided is another cause.
        Assert.True(ledger.Add(EntryPoint.Clone, "/bin/b", refusal, CLONE_NEWUSER));
        Assert.True(ledger.Add(EntryPoint.Clone3, "/bin/a", refusal, CLONE_NEWUSER));
        Assert.True(ledger.Add(EntryPoint.Clone, null, Refused(policy, CLONE_NEWNS), CLONE_NEWNS));
        Assert.False(ledger.Add(EntryPoint.Clone, null, Refused(policy, CLONE_NEWNS), CLONE_NEWNS));
        Assert.False(ledger.Add(EntryPoint.Clone, null, Refused(policy, CLONE_NEWNS), CLONE_NEWNS));

        IReadOnlyList<Denial> sum = ledger.Sum();
        Assert.Equal([3L, 2, 1, 1], sum.Select(d => d.Count));
        Assert.Equal("clone(CLONE_NEWNS)", sum[0].What);
        Assert.Equal(CLONE_NEWUSER, sum[1].Flags);
        Assert.Equal(0, ledger.Others);
        Assert.Equal("fork", new Denial(sum[0].Cause with { Entry = EntryPoint.Fork }, 1, 0, null).What);
    }

    [Fact]
    public void A_guest_cannot_make_the_ledger_grow_without_end()
    {
        Policy policy = Load("default");
        var ledger = new DenialLedger(policy.Creation);
        Refusal refusal = Refused(policy, CLONE_NEWUSER);
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(
                i < MostCauses, ledger.Add(EntryPoint.Clone, $"/bin/{i}", refusal, CLONE_NEWUSER));
        }

        Assert.Equal(1000 - MostCauses, ledger.Others);
        Assert.False(ledger.Add(EntryPoint.Clone, "/bin/7", refusal, CLONE_NEWUSER));
        Assert.Equal(MostCauses, ledger.Sum().Count);
        Assert.Equal(("/bin/7", 2L), (ledger.Sum()[0].Cause.Program, ledger.Sum()[0].Count));
        Assert.Equal(1000 - MostCauses, ledger.Others);
    }

    [Theory]
    [InlineData("default", EntryPoint.Clone, CLONE_NEWUSER | CLONE_NEWNS | CLONE_PARENT)]
    [InlineData("default", EntryPoint.Unshare, CLONE_NEWUSER | CLONE_FS)]
    [InlineData("default", EntryPoint.Setns, CLONE_NEWNET)]
    [InlineData("strict", EntryPoint.Clone3, CLONE_VM | CLONE_VFORK | CLONE_PIDFD)]
    [InlineData("strict", EntryPoint.Unshare, CLONE_NEWNET)]
    [InlineData("strict", EntryPoint.Fork, 0)]
    [InlineData("strict", EntryPoint.Vfork, CLONE_VM | CLONE_VFORK)]
    [InlineData("strict", EntryPoint.Clone, 0)]
    public void The_edit_of_a_denial_allows_what_was_asked(
        string name, EntryPoint entry, ulong flags)
    {
        Policy policy = Load(name);
        var ledger = new DenialLedger(policy.Creation);
        ledger.Add(entry, "/bin/a", Refused(policy, flags, entry), flags);
        IReadOnlyList<string>? edit = ledger.Sum().Single().Edit;
        Assert.NotNull(edit);
        Policy after = Load(name, [.. edit]);
        Assert.Equal(Errno.None, after.Creation.Entry(entry).Value);
        Assert.True(entry == EntryPoint.Setns || (entry == EntryPoint.Unshare
            ? after.Creation.DecideUnshare(flags) : after.Creation.Decide(flags)).Allowed);
    }

    [Fact]
    public void The_edit_of_a_call_that_was_closed_before_its_flags_were_known_opens_it()
    {
        Policy policy = Load("strict");
        var ledger = new DenialLedger(policy.Creation);
        ledger.Add(EntryPoint.Clone3, "/bin/a", Refused(policy, 0, EntryPoint.Clone3), 0);
        Assert.Equal(["creation.entry.clone3=allow"], ledger.Sum().Single().Edit);
    }

    [Fact]
    public void The_edit_of_a_limit_raises_it_by_one()
    {
        Policy policy = Load("permissive", "creation.limits.tasks=7", "creation.limits.depth=3");
        var ledger = new DenialLedger(policy.Creation);
        foreach (LimitKind kind in new[] { LimitKind.Tasks, LimitKind.Depth, LimitKind.Threads })
        {
            var refusal = new Refusal(
                Errno.EAGAIN, RefusedBy.Limit, CreationLimits.Key(kind),
                policy.Creation.Limits.Of(kind)?.Origin);
            ledger.Add(EntryPoint.Clone, "/bin/a", refusal, 0);
        }

        Assert.Equal(
            ["creation.limits.tasks=8", "creation.limits.depth=4", null],
            ledger.Sum().Select(d => d.Edit?[0]));
    }

    [Fact]
    public void A_required_flag_that_clashes_has_no_edit()
    {
        Policy policy = Load("permissive", "creation.require=CLONE_NEWNS");
        var ledger = new DenialLedger(policy.Creation);
        ledger.Add(EntryPoint.Clone, "/bin/a", Refused(policy, CLONE_FS), CLONE_FS);
        Denial denial = ledger.Sum().Single();
        Assert.Null(denial.Edit);
        Assert.Contains(
            "to allow it: take the flag that clashes out of creation.require\n", Render([denial]),
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_summary_names_cause_place_and_edit()
    {
        Policy policy = Load("default");
        var ledger = new DenialLedger(policy.Creation);
        Refusal refusal = Refused(policy, CLONE_NEWUSER);
        ledger.Add(EntryPoint.Clone, "/bin/a", refusal, CLONE_NEWUSER | CLONE_PIDFD);
        ledger.Add(EntryPoint.Clone, "/bin/a", refusal, CLONE_NEWUSER);
        Assert.Equal(
            "sandbox: denied 2 x clone(CLONE_PIDFD|CLONE_NEWUSER) of /bin/a: EPERM, "
                + $"creation.deny at {refusal.Origin}\n"
                + "sandbox:   to allow it: --set creation.allow=CLONE_NEWUSER\n",
            Render(ledger.Sum()));
        Assert.StartsWith("builtin:processes.yaml:", refusal.Origin!.ToString(), StringComparison.Ordinal);
        Assert.Equal("", Render([]));
    }

    [Fact]
    public void The_summary_shows_the_most_frequent_and_counts_the_rest()
    {
        Policy policy = Load("default");
        var ledger = new DenialLedger(policy.Creation);
        for (int i = 0; i < 300; i++)
        {
            for (int times = i < 20 ? 30 - i : 1; times > 0; times--)
            {
                ledger.Add(EntryPoint.Clone, $"/{i}", Refused(policy, CLONE_NEWUSER), CLONE_NEWUSER);
            }
        }

        string text = Render(ledger.Sum(), ledger.Others);
        string[] lines = text.TrimEnd('\n').Split('\n');
        Assert.Equal((2 * MostShown) + 1, lines.Length);
        Assert.StartsWith("sandbox: denied 30 x clone(CLONE_NEWUSER) of /0:", text, StringComparison.Ordinal);
        Assert.StartsWith("sandbox: denied 21 x", lines[18], StringComparison.Ordinal);
        long rest = Enumerable.Range(11, 10).Sum() + (300 - 20);
        Assert.StartsWith($"sandbox: denied {rest} more, ", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void The_name_of_a_program_can_neither_forge_a_line_nor_move_the_cursor()
    {
        Policy policy = Load("default");
        var ledger = new DenialLedger(policy.Creation);
        ledger.Add(
            EntryPoint.Clone, "/tmp/a\nsandbox: all is well\u001b[2J\u009b2J",
            Refused(policy, CLONE_NEWUSER), CLONE_NEWUSER);
        string text = Render(ledger.Sum());
        Assert.Equal(2, text.Count(c => c == '\n'));
        Assert.DoesNotContain(text, c => char.IsControl(c) && c != '\n');
        Assert.Contains("/tmp/a\\u000asandbox: all is well\\u001b[2J", text, StringComparison.Ordinal);
    }

    private static string Render(IReadOnlyList<Denial> denials, long others = 0) =>
        Summary.RenderDenials(new RunStatistics { Denials = denials, OtherDenials = others });

    private static Refusal Refused(
        Policy policy, ulong flags, EntryPoint entry = EntryPoint.Clone) =>
        Refusal.Of(policy.Creation.DecideEntry(entry) ?? (entry == EntryPoint.Unshare
            ? policy.Creation.DecideUnshare(flags) : policy.Creation.Decide(flags)));

    private static Policy Load(string name, params string[] settings)
    {
        LoadedPolicy loaded = PolicyLoader.Load([name], settings);
        Assert.True(loaded.Policy is not null, string.Join('\n', loaded.Problems));
        return loaded.Policy;
    }
}
