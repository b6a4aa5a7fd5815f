using System.Linq;
using static Interpose.Abi.Uapi;

namespace Policies.Tests;

/// <summary>Limits at their boundaries.</summary>
public sealed class CreationLimitsTests
{
    private static readonly CreationLimits Limits =
        Texts.Creation("limits: {tasks: 8, threads: 4, depth: 3, per_second: 2}").Limits;

    [Theory]
    [InlineData(7, 3, 3, 1, null)]
    [InlineData(8, 3, 3, 1, LimitKind.Tasks)]
    [InlineData(9, 3, 3, 1, LimitKind.Tasks)]
    [InlineData(7, 4, 3, 1, LimitKind.Threads)]
    [InlineData(7, 3, 4, 1, LimitKind.Depth)]
    [InlineData(7, 3, 3, 2, LimitKind.PerSecond)]
    [InlineData(8, 4, 4, 2, LimitKind.Tasks)]
    [InlineData(0, 4, 4, 2, LimitKind.Threads)]
    [InlineData(0, 0, 4, 2, LimitKind.Depth)]
    [InlineData(0, 0, 0, 0, null)]
    public void The_first_limit_that_one_task_more_would_break_is_told(
        int tasks, int threads, int depth, int lastSecond, LimitKind? expected) =>
        Assert.Equal(expected, Limits.Exceeded(new(tasks, threads, depth, lastSecond)));

    [Fact]
    public void What_is_not_set_limits_nothing()
    {
        var usage = new CreationUsage(int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue);
        Assert.Null(CreationLimits.None.Exceeded(usage));
        Assert.True(CreationLimits.None.IsEmpty);
        CreationLimits one = Texts.Creation("limits: {depth: 4194304}").Limits;
        Assert.False(one.IsEmpty);
        Assert.Equal(LimitKind.Depth, one.Exceeded(usage));
        Assert.Null(one.Exceeded(usage with { Depth = CreationLimits.Most }));
    }

    [Theory]
    [InlineData("limits.tasks", "limits: {tasks: 8}", 9)]
    [InlineData("limits.threads", "limits: {threads: 4}", 5)]
    [InlineData("limits.depth", "limits: {depth: 3}", 4)]
    [InlineData("limits.per_second", "limits: {per_second: 2}", 3)]
    [InlineData("namespaces.user.max", "namespaces: {user: {max: 0}}", 1)]
    [InlineData("namespaces.time.depth", "namespaces: {time: {max: 7, depth: 1}}", 2)]
    public void The_edit_that_raises_a_limit_is_one_more_than_it(string key, string text, int raised)
    {
        CreationPolicy policy = Texts.Creation(text);
        string full = "creation." + key;
        string? edit = PolicyEdit.ToRaise(policy, full);
        Assert.Equal($"{full}={raised}", edit);
        Policy after = Texts.Valid(Policies.Files.PolicyLoader.Load(["default"], [edit!]));
        Assert.Contains((full, raised), after.Creation.AllLimits().Select(l => (l.Key, l.Limit.Value)));
        Assert.Null(PolicyEdit.ToRaise(policy, "creation.limits.no"));
    }

    [Fact]
    public void Budgets_of_namespaces_are_by_type()
    {
        NamespaceBudgets none = Texts.Creation("allow: []").Namespaces;
        Assert.Equal((0UL, 0UL), (none.Counted, none.Limited));
        NamespaceBudgets some = Texts.Creation(
            "namespaces: {user: {max: 2, depth: 1}, net: {max: 0}, time: {depth: 32}}").Namespaces;
        Assert.Equal(CLONE_NEWUSER | CLONE_NEWNET, some.Counted);
        Assert.Equal(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWTIME, some.Limited);
        Assert.Equal((2, 1), (some.Of(NamespaceType.User).Max!.Value.Value,
            some.Of(NamespaceType.User).Depth!.Value.Value));
        Assert.Null(some.Of(NamespaceType.Net).Depth);
        Assert.Equal(3, some.Of(NamespaceType.Net).Max!.Value.Origin.Line);
    }
}
