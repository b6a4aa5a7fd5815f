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
    [InlineData(LimitKind.Tasks, 8, "creation.limits.tasks=9")]
    [InlineData(LimitKind.Threads, 4, "creation.limits.threads=5")]
    [InlineData(LimitKind.Depth, 3, "creation.limits.depth=4")]
    [InlineData(LimitKind.PerSecond, 2, "creation.limits.per_second=3")]
    public void The_edit_that_raises_a_limit_is_one_more_than_is_used(
        LimitKind kind, int used, string edit)
    {
        Assert.Equal(edit, PolicyEdit.ToRaise(kind, used));
        Policy raised = Texts.Valid(Policies.Files.PolicyLoader.Load(["default"], [edit]));
        Assert.Equal(used + 1, raised.Creation.Limits.Of(kind)!.Value.Value);
    }
}
