using System;
using System.Collections.Generic;
using Policies.Files;
using static Interpose.Abi.Uapi;

namespace Policies.Tests;

/// <summary>Every kind of value knows where it was set.</summary>
public sealed class OriginTests : IDisposable
{
    private readonly PolicyFolder _folder = new();

    public OriginTests()
    {
        _folder.Write("top.yaml", "version: 1\nextends: sub/mid.yaml\n");
        _folder.Write("sub/mid.yaml", "version: 1\n\nextends: low.yaml\n");
        _folder.Write("sub/low.yaml", """
            version: 1
            extends: default
            description: d
            creation:
              because: b
              engine: ptrace
              allow: [CLONE_VM, '@share']
              strip:
                - CLONE_IO
              deny: {CLONE_PARENT: EINVAL, '@vfork': ENOSYS}
              otherwise: EIO
              entry: {clone3: ENOSYS}
              limits: {tasks: 5}
              require: [CLONE_NEWUTS]
              on_violation: kill
            resources:
              core: 0
              affinity: 0,1
            """);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_name_of_a_file_can_neither_forge_a_line_nor_move_the_cursor()
    {
        var origin = new Origin(new PolicySource("a\nsandbox: all is well\u001b[2J\u009b2J"), 3, 7);
        Assert.Equal("a\\u000asandbox: all is well\\u001b[2J\\u009b2J:3:7", origin.ToString());
        Assert.Equal("\\u007f", new Origin(new PolicySource("\u007f"), 0, 0).ToString());
        Assert.StartsWith(
            "a\\u000asandbox", new PolicyProblem(origin, "m").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_knows_its_file_line_and_column()
    {
        Policy policy = _folder.Valid("top.yaml");
        CreationPolicy creation = policy.Creation;
        Assert.Equal(
            [
                "7:11", "7:21", "9:7", "10:10", "10:32", "11:14", "12:19", "13:19", "14:13", "15:17",
                "3:14", "5:12", "6:11", "17:9", "18:13", "11:14", "13:19",
            ],
            Places(
                creation.Flag(CLONE_VM).Origin, creation.Flag(CLONE_FS).Origin,
                creation.Flag(CLONE_IO).Origin, creation.Flag(CLONE_PARENT).Origin,
                creation.ShapeRule(Shape.Vfork).Origin, creation.Otherwise.Origin,
                creation.Entry(EntryPoint.Clone3).Origin,
                creation.Limits.Of(LimitKind.Tasks)!.Value.Origin,
                creation.RequiredAt(CLONE_NEWUTS), creation.OnViolation.Origin,
                policy.Values["description"].Origin, policy.Values["creation.because"].Origin,
                policy.Values["creation.engine"].Origin, policy.Values["resources.core"].Origin,
                policy.Values["resources.affinity"].Origin,
                policy.Values["creation.otherwise"].Origin,
                policy.Values["creation.limits.tasks"].Origin));
    }

    [Fact]
    public void A_value_knows_through_which_extends_it_came()
    {
        Origin low = _folder.Valid("top.yaml").Creation.Otherwise.Origin;
        Assert.Equal(
            [_folder.Path("sub/low.yaml") + ":11:14", _folder.Path("sub/mid.yaml") + ":3:10",
                _folder.Path("top.yaml") + ":2:10"],
            Chain(low));
        Assert.Equal(low.Source.ExtendedBy!.File, _folder.Path("sub/mid.yaml"));
    }

    [Fact]
    public void A_value_of_a_policy_that_ships_knows_its_line_there()
    {
        Origin depth = _folder.Valid("top.yaml").Creation.Limits.Of(LimitKind.Depth)!.Value.Origin;
        Assert.Equal(
            ["builtin:processes.yaml:23:12", "builtin:default.yaml:4:10",
                _folder.Path("sub/low.yaml") + ":2:10", _folder.Path("sub/mid.yaml") + ":3:10", _folder.Path("top.yaml") + ":2:10"],
            Chain(depth));
        Assert.Equal(
            ["builtin:processes.yaml:17:14", "builtin:build.yaml:3:10"],
            Chain(BuiltinPolicies.Get("build").Creation.Otherwise.Origin));
    }

    [Fact]
    public void What_no_layer_sets_is_a_default_of_the_model()
    {
        CreationPolicy policy = Texts.Valid("version: 1").Creation;
        Assert.Equal(Origin.Default, policy.Otherwise.Origin);
        Assert.Equal(Origin.Default, policy.OnViolation.Origin);
        Assert.All(EntryPointNames.Calls, c => Assert.Equal(Origin.Default, policy.Entry(c).Origin));
        Assert.Null(policy.Flag(CLONE_VM).Origin);
        Assert.Null(policy.RequiredAt(CLONE_NEWUTS));
        Assert.True(policy.Limits.IsEmpty);
        Assert.Equal("default of the model", Origin.Default.ToString());
    }

    [Fact]
    public void A_setting_knows_its_number_and_the_column_of_its_value()
    {
        Policy policy = Texts.Valid(PolicyLoader.Load(
            ["default"], ["resources.nice=5", "creation.entry.fork=EPERM", "creation.require=CLONE_NEWIPC"]));
        Assert.Equal("--set:1:16", policy.Values["resources.nice"].Origin.ToString());
        Assert.Equal("--set:2:21", policy.Creation.Entry(EntryPoint.Fork).Origin.ToString());
        Assert.Equal("--set:3:18", policy.Creation.RequiredAt(CLONE_NEWIPC)!.ToString());
        Assert.Null(policy.Creation.RequiredAt(CLONE_NEWIPC)!.Source.ExtendedBy);
    }

    [Fact]
    public void Resources_are_those_that_were_set()
    {
        ResourcePolicy resources = Texts.Valid("""
            version: 1
            resources:
              open_files: 10
              file_size: 4G
              core: 0
              cpu_time: 10m
              nice: -5
              scheduler: idle
              affinity: 0,2-3
              oom_score_adj: 500
            """).Resources;
        Assert.Equal<ResourceLimit>(
            [
                new(RLIMIT_NOFILE, 10, "resources.open_files"),
                new(RLIMIT_FSIZE, 4UL << 30, "resources.file_size"),
                new(RLIMIT_CORE, 0, "resources.core"), new(RLIMIT_CPU, 600, "resources.cpu_time"),
            ],
            resources.Limits);
        Assert.Equal((-5, SchedulerReset.Idle, 500),
            (resources.Nice, resources.Scheduler, resources.OomScoreAdj));
        Assert.Equal<int>([0, 2, 3], resources.Affinity);
        Assert.True(Texts.Valid("version: 1").Resources.IsEmpty);
    }

    private static List<string> Places(params Origin?[] origins)
    {
        var places = new List<string>();
        foreach (Origin? origin in origins)
        {
            places.Add($"{origin!.Line}:{origin.Column}");
        }

        return places;
    }

    private static List<string> Chain(Origin origin)
    {
        var chain = new List<string>();
        for (Origin? at = origin; at is not null; at = at.Source.ExtendedBy)
        {
            chain.Add(at.ToString());
        }

        return chain;
    }
}
